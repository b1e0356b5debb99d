"""How what can't be imported elsewhere travels: docs/adr/011-classes-that-travel.md."""
