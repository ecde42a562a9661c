namespace Hindcast.Application.Projects;

/// <summary>Who holds a key: answered from memory, so that no request waits for a store.</summary>
public interface IKeyRing
{
    /// <summary>Null for a key that is missing, malformed, unknown, expired or revoked: the caller is not told which.</summary>
    Caller? Find(string key);
}
