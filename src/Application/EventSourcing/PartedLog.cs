namespace Hindcast.Application.EventSourcing;

public sealed class PartedLog
{
    public const int Threshold = 768 * 1024;
    public static int SlotsOf(int contentLength) => 1;
}
