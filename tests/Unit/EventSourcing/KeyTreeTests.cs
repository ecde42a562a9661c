using FsCheck;
using FsCheck.Fluent;
using Hindcast.Application.Erasure;

namespace Hindcast.Unit;

/// <summary>A leaf taken out follows from nothing that is left, and every other leaf still does, as it was.</summary>
public sealed class KeyTreeTests
{
    static readonly KeyNode s_root = KeyTree.Root([.. Enumerable.Range(0, KeyTree.KeyBytes).Select(i => (byte)i)]);

    static KeyNode? Above(IEnumerable<KeyNode> nodes, ulong leaf) =>
        nodes.Where(n => KeyTree.PrefixOf(leaf, n.Depth) == n.Prefix).Select(n => (KeyNode?)n).SingleOrDefault();

    [Fact]
    public void What_is_taken_out_is_gone_and_all_else_is_as_it_was() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(ArbMap.Default.ArbFor<string[]>(), ArbMap.Default.ArbFor<string[]>(), (erased, others) =>
        {
            var (gone, kept) = (erased.Select(name => KeyTree.LeafOf(name ?? "")).ToList(), others.Select(name => KeyTree.LeafOf(name ?? "")).ToList());
            List<KeyNode> nodes = [s_root];
            foreach (var leaf in gone)
            {
                if (Above(nodes, leaf) is not { } above) continue;
                nodes.Remove(above);
                nodes.AddRange(KeyTree.Without(above, leaf));
            }
            foreach (var leaf in gone) Above(nodes, leaf).Should().BeNull();
            // Neighbours of what is gone are the ones an error would take along.
            foreach (var leaf in kept.Concat(gone.SelectMany(g => new[] { g ^ 1, g ^ 16, g ^ (1ul << 47) })).Except(gone))
                KeyTree.Key(Above(nodes, leaf)!.Value, leaf).Should().Equal(KeyTree.Key(s_root, leaf));
        }));

    [Fact]
    public void A_leaf_costs_fifteen_nodes_on_each_level() =>
        KeyTree.Without(s_root, KeyTree.LeafOf("user")).Should().HaveCount(15 * KeyTree.Depth).And.OnlyHaveUniqueItems(n => n.Depth + "/" + n.Prefix);

    [Fact]
    public void No_two_keys_are_the_same() =>
        Enumerable.Range(0, 1_000).Select(i => Convert.ToHexString(KeyTree.Key(s_root, (ulong)i))).Should().OnlyHaveUniqueItems();
}
