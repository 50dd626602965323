"""Quorum: several models look at one photo of a part, each casts a vote, a policy turns the votes into a verdict."""
