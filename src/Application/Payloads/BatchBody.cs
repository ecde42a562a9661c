using System.Text.Json;

namespace Hindcast.Application.Payloads;

/// <summary>A parsed body; its elements and their bytes are valid until it is disposed of, and no longer than the body's own memory.</summary>
public sealed class BatchBody : IDisposable
{
    static readonly Dictionary<int, Range> None = [];

    readonly JsonDocument _document;
    readonly ReadOnlyMemory<byte> _parsed;
    readonly ReadOnlyMemory<byte> _received;
    readonly Dictionary<int, Range> _tooDeep;
    JsonElement[]? _elements;

    internal BatchBody(JsonDocument document, ReadOnlyMemory<byte> received)
        : this(document, document.RootElement.ValueKind == JsonValueKind.Array, received, received, None)
    {
    }

    /// <summary>Too deep elements are null in <paramref name="parsed"/>, and every other byte stands where it was received.</summary>
    internal BatchBody(
        JsonDocument document, bool isArray, ReadOnlyMemory<byte> parsed, ReadOnlyMemory<byte> received, Dictionary<int, Range> tooDeep) =>
        (_document, IsArray, _parsed, _received, _tooDeep) = (document, isArray, parsed, received, tooDeep);

    public bool IsArray { get; }

    /// <summary>Known without laying the elements out: check a batch's limit on this first.</summary>
    public int Count => IsArray ? _document.RootElement.GetArrayLength() : 1;

    /// <summary>
    /// An element nested deeper than <see cref="PayloadRules.DeepestLevel"/> is null here; <see cref="PayloadRules.Check"/> of its bytes says so.
    /// </summary>
    public IReadOnlyList<JsonElement> Elements => _elements ??= IsArray ? [.. _document.RootElement.EnumerateArray()] : [_document.RootElement];

    /// <summary>The element exactly as received, without the space around it.</summary>
    public ReadOnlyMemory<byte> RawOf(int index) =>
        _received[_tooDeep.TryGetValue(index, out var place) ? place : JsonBatch.PlaceOf(Elements[index], _parsed)];

    public void Dispose() => _document.Dispose();
}
