"""The report: what a finished, running or interrupted sweep found, and how sure that is.

A stored sweep goes in; a terminal table, a Markdown page, a self-contained HTML page and its
pictures come out. `select` picks the runs, `statistics` judges them, `figures` and `static` draw
them, `render` puts the pages together. Nothing here trains, searches or opens a store.
"""
