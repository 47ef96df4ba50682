"""Pages that Clapper writes: one HTML file each, which opens offline, prints, and follows light and dark."""
