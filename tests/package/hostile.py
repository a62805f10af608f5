"""A folder in which somebody has packages of their own that are called like ours."""


def hostile(folder):
    """Makes packages in `folder` that fail when anything takes them for ours, and returns it."""
    for name in ("bot", "model", "training"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f'raise ImportError("{name}: not what you came for")\n', "utf-8")
    return folder
