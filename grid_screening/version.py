"""The version of this code: in reports of recordings, and of the package."""

VERSION = "0.2.0"
