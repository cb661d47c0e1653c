namespace PocketCoder.Git.Tests;
