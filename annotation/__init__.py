"""The review by people: Label Studio projects, push and pull, agreement, adjudication."""
