"""How fast the workbench is: `workbench bench` (docs/performance.md)."""
