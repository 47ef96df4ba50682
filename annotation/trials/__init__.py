"""What people are shown: clips as they are, and gold, shifted pairs and excerpts that are made from them."""
