namespace Hindcast.Domain;

/// <summary>The name a fact carries in the log. The record may be renamed; the name never is.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class EventNameAttribute(string name) : Attribute
{
    public string Name => name;
}

/// <summary>A rule of the domain said no. Doors answer with <see cref="Exception.Message"/>, which is written for the caller.</summary>
public abstract class RuleBroken(string message) : Exception(message);
