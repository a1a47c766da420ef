"""What the score is worth: point-in-time scans against what came after."""
