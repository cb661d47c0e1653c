namespace PocketCoder.Channels;

/// <summary>Where an offer stands.</summary>
public enum OfferState
{
    /// <summary>It can be used.</summary>
    Open,

    /// <summary>A device was paired with it.</summary>
    Used,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was cancelled, or its attempts are spent (one that began in time may still complete).</summary>
    Void,
}
