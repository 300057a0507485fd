"""The look: base templates, components, design tokens, static files."""
