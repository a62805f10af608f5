"""Small files shaped like those that people have: each with its texts, or with what is said of it."""

import codecs
import gzip
import io
import zipfile

PLAIN = "id,text\n1,loved it\n2,hated it\n"
LOVED = ["loved it", "hated it"]


def workbook():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


def marked(text, encoding):
    marks = {"utf-16-be": codecs.BOM_UTF16_BE, "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE}
    return marks[encoding] + text.encode(encoding)


READ = {
    # encodings
    "plain.csv": (PLAIN, LOVED),
    "marked.csv": ("\ufeff" + PLAIN, LOVED),
    "utf16.csv": (PLAIN.encode("utf-16"), LOVED),
    "utf16be.csv": (marked(PLAIN, "utf-16-be"), LOVED),
    "utf32.csv": (marked(PLAIN, "utf-32-le"), LOVED),
    "utf32be.csv": (marked(PLAIN, "utf-32-be"), LOVED),
    "unicode text.txt": (
        "user\ttext\r\nbo\tloved it, truly\r\nal\thated it\r\n".encode("utf-16"),
        ["loved it, truly", "hated it"],
    ),
    # delimiters
    "semicolons.csv": ("id;text\n1;loved it, really, yes\n2;hated it\n", ["loved it, really, yes", "hated it"]),
    "tabs.tsv": ("id\ttext\n1\tloved; it\n2\thated, it\n", ["loved; it", "hated, it"]),
    "bars.csv": ("id|text|n\n1|loved it|3\n2|hated, it|4\n", ["loved it", "hated, it"]),
    "said.csv": ("sep=;\r\nid;text\r\n1;loved it\r\n2;hated it\r\n", LOVED),
    "said in quotes.csv": ('"sep=,"\nid,text\n1,loved it\n2,hated it\n', LOVED),
    "said a tab.csv": ("SEP=\t\nid\ttext\n1\tloved it\n2\thated it\n", LOVED),
    "commas in a quoted name.csv": ('id;"notes, raw, as typed, all"\n1;loved it\n2;hated it\n', LOVED),
    "decimal commas.csv": ("wert;meinung\n1,5;loved it\n2,0;hated it\n", LOVED),
    "blank after commas.csv": ('id, text\n1, "loved, it"\n2, "hated it"\n', ["loved, it", "hated it"]),
    "old mac.csv": ("id;text\r1;loved, it\r2;hated, it, much\r", ["loved, it", "hated, it, much"]),
    # names, and none
    "capital.csv": ("ID,Text\n1,loved it\n2,hated it\n", LOVED),
    "blanks around.csv": ("id, text \n1,loved it\n2,hated it\n", LOVED),
    "twice.csv": ("text,text\nloved it,x\nhated it,y\n", LOVED),
    "own result.csv": ("text,score\nloved it,0.9\nhated it,-0.9\n", LOVED),
    "compound.csv": ("tweet_id,review_text\n8877665,loved it\n8877666,hated it\n", LOVED),
    "survey.csv": ("Timestamp,What do you like?\n2024-01-02 10:00:00,loved it\n2024-01-03 11:00:00,hated it\n", LOVED),
    "index.csv": (",said\n0,loved it\n1,hated it\n", LOVED),
    "no names.csv": ("1,loved it\n0,hated it\n", LOVED),
    "labels.csv": ("good,loved it\nbad,hated it\ngood,fine by me\n", [*LOVED, "fine by me"]),
    "quoted news.csv": (
        '"3","Fears for pensions","Unions say they are disappointed after the talks."\n'
        '"4","A race is on","A second team of rocketeers has joined in."\n',
        ["Unions say they are disappointed after the talks.", "A second team of rocketeers has joined in."],
    ),
    "tweets.csv": (
        '"0","1467810001","Mon Apr 06 22:19:45 PDT 2009","NO_QUERY","someone","@bo http://x.yz/1 - aw, a bummer"\n'
        '"4","1467810002","Mon Apr 06 22:19:49 PDT 2009","NO_QUERY","another","yay"\n',
        ["@bo http://x.yz/1 - aw, a bummer", "yay"],
    ),
    "one row.csv": ("7,loved it\n", ["loved it"]),
    # which column
    "dates.csv": ("nick,said,when\nbo,loved it,2024-01-02T10:00:00Z\nal,ok,2024-01-02T10:00:01Z\n", ["loved it", "ok"]),
    "links.csv": (
        "user,said,link\nbo,loved it,https://example.com/a/very/long/path?of=course\nal,ok,https://e.com/b\n",
        ["loved it", "ok"],
    ),
    "identities.csv": (
        "key,said\n0f8fad5b-d9cb-469f-a165-70867728950e,loved it\n7c9e6679-7425-40de-944b-e07fc1f90ae7,ok\n",
        ["loved it", "ok"],
    ),
    "numbered reviews.csv": ("review,said\n4,loved it\n1,hated it\n", LOVED),
    # lines
    "chat.txt": (
        "hey all, new here\nnice, thanks\nsee you, bye\n",
        ["hey all, new here", "nice, thanks", "see you, bye"],
    ),
    "chat.csv": (
        "hey all, new here\nnice, thanks\nsee you, bye\n",
        ["hey all, new here", "nice, thanks", "see you, bye"],
    ),
    "uneven chat.txt": (
        "hi\n\nwell, this, is, nice\r\n[12:30] he said\n",
        ["hi", "well, this, is, nice", "[12:30] he said"],
    ),
    "a word like a name.txt": (
        "text, please\nno\nwhy, though, my friend\n",
        ["text, please", "no", "why, though, my friend"],
    ),
    "quotes in a chat.txt": ('he said\n"never closed\nok "sure"\n', ["he said", '"never closed', 'ok "sure"']),
    "smileys.txt": ("nice ;)\nlove it ;)\n", ["nice ;)", "love it ;)"]),
    "column of lines.csv": ('text\n"loved, it"\nhated it, much\n', ["loved, it", "hated it, much"]),
    "bare lines.csv": ("loved it\nhated it\n", LOVED),
    # rows
    "a comma too many.csv": ("text,label\nloved it,1,\nhated it,0,,\n", LOVED),
    "short rows.csv": ("text,label\nloved it\nhated it,0\n", LOVED),
    "blank lines.csv": ("text,n\r\r\nloved it,1\r\r\n\r\r\nhated it,2\r\r\n", LOVED),
    "empty rows.csv": ("text,n\nloved it,1\n,\nhated it,2\n", ["loved it", "", "hated it"]),
    "line breaks.csv": ('text,n\n"loved\nit",1\n"hated\rit",2\n"so\r\nso",3\n', ["loved\nit", "hated\rit", "so\r\nso"]),
    "other line breaks.csv": ("text,n\nloved\x85it,1\nhated\u2028it,2\n", ["loved\x85it", "hated\u2028it"]),
    "no last line end.csv": ("id,text\n1,loved it\n2,hated it", LOVED),
}
"""Name: content, texts."""

STRAY = 'id,text\n1,fine\n2,"oops\n' + "".join(f"{number},fine\n" for number in range(3, 500))

REFUSED = {
    "empty.csv": ("", "is empty"),
    "blank.csv": (" \n\n", "is empty"),
    "names only.csv": ("text,n\n", "a line of column names and nothing below it"),
    "unquoted comma.csv": (
        "text,stars\nfine,5\ngood, really good,5\n",
        "Line 3 of unquoted comma.csv has more cells (3) than there are columns (2). Is a comma not in quotes?",
    ),
    "unquoted semicolon.csv": (
        'text;n\n"a\nb";1\nc;d;2\n',
        "Line 4 of unquoted semicolon.csv has more cells (3) than there are columns (2). Is a semicolon",
    ),
    "after sep.csv": ("sep=;\ntext;n\na;b;c\n", "Line 3 of after sep.csv has more cells"),
    "title above.csv": (
        "A report\nid,said\n1,loved it\n2,hated it\n",
        "Line 2 of title above.csv has more cells (2) than there are columns (1)",
    ),
    "stray quote.csv": (STRAY, 'Line 3 of stray quote.csv opens a quote (")'),
    "stray quote that meets another.csv": ('id,text\n1,fine\n2,"oops\n3,"great" they said\n', "Line 3 of "),
    "stray quote in lines.csv": ('fine\n"oops\nok\n', "Line 2 of "),
    "lines.csv": ('{"text": "bad", "id": 1}\n{"text": "good", "id": 2}\n', "is JSON, not CSV"),
    "array.csv": ('[\n  {"text": "bad"}\n]\n', "is JSON, not CSV"),
    "flat array.csv": ('["bad", "good"]', "is JSON, not CSV"),
    "latin1.csv": (
        "text\nfine\ncafé\n".encode("latin-1"),
        "latin1.csv isn't UTF-8 text (line 3, byte 13). Save it as CSV UTF-8",
    ),
    "half utf16.csv": (PLAIN.encode("utf-16")[:-1], "isn't UTF-16 text (line 3"),
    "unmarked.csv": (PLAIN.encode("utf-16-le"), "looks like UTF-16 without its byte order mark"),
    "nul.csv": (b"text,n\nfine,1\nb\0d,2\n", "Line 3 of nul.csv has a NUL character"),
    "nul16.csv": ("text\nb\0d\n".encode("utf-16"), "Line 2 of nul16.csv has a NUL character"),
    "book.csv": (workbook(), "is an Excel workbook or another zip archive, not a text file"),
    "old book.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook, not a text file"),
    "packed.csv": (gzip.compress(PLAIN.encode()), "is packed with gzip, not a text file"),
    "photo.csv": (b"\x89PNG\r\n\x1a\n\0\0\0", "photo.csv isn't a text file. Save the table as CSV"),
}
"""Name: content, what is said."""


def as_bytes(content):
    return content.encode() if isinstance(content, str) else content
