namespace Hindcast.Console;

/// <summary>Texts that are markup, script, terminal colours or formulas where somebody lets them be.</summary>
internal static class Hostile
{
    /// <summary>What each of them would do.</summary>
    const string Fire = "window.fired=(window.fired||0)+1";

    static readonly string[] s_bare =
    [
        $"<script>{Fire}</script>", $"<img src=x onerror=\"{Fire}\">", $"<svg onload=\"{Fire}\">", $"<svg><script>{Fire}</script></svg>", $"<body onload=\"{Fire}\">", $"<iframe srcdoc=\"<script>parent.{Fire}</script>\">",
        $"<iframe src=\"javascript:parent.{Fire}\">", $"<details open ontoggle=\"{Fire}\">", $"<input autofocus onfocus=\"{Fire}\">", $"<video><source onerror=\"{Fire}\"></video>", $"<math><mtext><style><img src onerror=\"{Fire}\">",
        $"<a href=\"javascript:{Fire}\">x</a>", $"<form action=\"javascript:{Fire}\"><button>x</button></form>", $"<object data=\"javascript:{Fire}\">", $"<embed src=\"data:text/html,<script>{Fire}</script>\">", $"<base href=\"//evil.example/\">",
        "<link rel=stylesheet href=//evil.example/x.css>", "<style>@import '//evil.example/x.css';*{display:none}</style>", "<meta http-equiv=refresh content=\"0;url=//evil.example\">", "<img src=//evil.example/beacon.gif>",
        $"[click](javascript:{Fire})", "![beacon](https://evil.example/b.png)", "[link](https://evil.example)", "<https://evil.example>", "https://evil.example/bare", $"\u001b]8;;javascript:{Fire}\u0007x\u001b]8;;\u0007", "\u001b[2J\u001b[31mred",
        "=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "{{constructor.constructor('" + Fire + "')()}}", "${" + Fire + "}", $"javascript:{Fire}", $"data:text/html,<script>{Fire}</script>", "\u202egnp.exe", "\u0000\ufffe",
        $"<template><script>{Fire}</script></template>", $"<noscript><p title=\"</noscript><img src=x onerror={Fire}>\">", $"<textarea></textarea><img src=x onerror={Fire}>", $"<title></title><script>{Fire}</script>",
        $"<xmp></xmp><img src=x onerror={Fire}>", $"<svg><animate onbegin={Fire} attributeName=x>", $"<marquee onstart={Fire}>", $"<div style=\"background:url(//evil.example/x)\">", $"<x contenteditable onblur={Fire} autofocus tabindex=1>",
    ];

    static readonly string[] s_around =
    [
        "{0}", "\"{0}", "'{0}", "\">{0}", "'>{0}", "</textarea>{0}", "</script>{0}", "</style>{0}", "</title>{0}", "-->{0}", "]]>{0}", "*/{0}", "`{0}`", "**{0}**", "```html\n{0}\n```", "&lt;{0}", "%3C{0}", "\\u003c{0}", "{0}{0}",
        "<!--{0}", "<b>{0}", "\n\n{0}", "<a href=\"{0}\">", "<img alt=\"{0}\">", "{{\"html\":\"{0}\"}}", "<p>{0}</p>", "' onmouseover='{0}", "\" onfocus=\"{0}\" x=\"", "$1{0}", "<svg>{0}</svg>", "<math>{0}</math>", "<table>{0}</table>",
        "<noscript>{0}</noscript>", "[x]: {0}", "{0}\u0008", "\u0007{0}", "<select>{0}</select>", "<template>{0}</template>", "<iframe>{0}</iframe>", "<xmp>{0}", "<plaintext>{0}", "<object>{0}</object>", "<frameset>{0}", "<desc>{0}</desc>",
        "<foreignObject>{0}</foreignObject>", "<style>{0}</style>",
    ];

    /// <summary>Each in each: 2,024 of them.</summary>
    public static readonly string[] All = [.. s_around.SelectMany(a => s_bare.Select(b => a.Replace("{0}", b, StringComparison.Ordinal).Replace("{{", "{", StringComparison.Ordinal)))];
}
