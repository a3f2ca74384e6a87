"""A project as pages: Markdown in two flavours, and what stands in it."""
