"""Signal: does our interview tell us anything? Computed by a worker, kept, shown with its age."""
