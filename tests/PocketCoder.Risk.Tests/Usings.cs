// The tiers and consequences are words of the wire too.
global using PocketCoder.Protocol;
