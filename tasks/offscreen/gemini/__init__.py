"""Gemini through google-genai: the client and its faults, and asking online or by the batch."""
