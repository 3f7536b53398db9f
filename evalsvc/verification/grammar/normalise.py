"""The pre-normaliser: one spelling for what LaTeX and Unicode write in many ways.

It never deletes anything that carries meaning (brackets, braces, relations, bases, letters): it
maps characters, drops sizing and spacing commands and joins the digit groups of one number.
"""

import re
import unicodedata

_CHARACTERS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "-": "-", "‐": "-", "‑": "-",
    "×": r"\times ", "·": r"\cdot ", "∙": r"\cdot ", "⋅": r"\cdot ", "*": r"\cdot ", "÷": r"\div ",
    "∕": "/", "⁄": "/", "／": "/", "＝": "=", "＋": "+", "（": "(", "）": ")", "［": "[", "］": "]",
    "，": ",", "、": ",", "；": ";", "：": ":", "．": ".", "。": ".", "％": r"\%", "＄": r"\$",
    "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ",
    "∘": r"^\circ ",
    "掳": r"^\circ ",
    "√": r"\sqrt ", "∛": r"\sqrt[3] ", "≤": r"\le ", "⩽": r"\le ", "≥": r"\ge ", "⩾": r"\ge ",
    "≠": r"\ne ", "＞": ">", "＜": "<", "－": "-", "…": r"\dots ", "⋯": r"\dots ", "＆": r"\&",
    "＃": r"\#", "＊": r"\cdot ", "｛": r"\{", "｝": r"\}", "＼": r"\setminus ",
    "≈": r"\approx ", "∼": r"\sim ", "≡": r"\equiv ", "∈": r"\in ", "∉": r"\notin ", "∪": r"\cup ",
    "∩": r"\cap ", "∖": r"\setminus ", "∅": r"\emptyset ", "Ø": r"\emptyset ", "ℝ": r"\mathbb{R}",
    "±": r"\pm ", "∓": r"\mp ", "¢": r"\text{ cents}", "€": r"\text{euro}", "£": r"\text{pound}",
    "⟨": r"\langle ", "⟩": r"\rangle ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ",
    "⌉": r"\rceil ", "∠": r"\angle ", "△": r"\triangle ", "′": "'", "’": "'", "“": '"', "”": '"',
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}", "⅛": r"\frac{1}{8}", "⅜": r"\frac{3}{8}",
    "⅝": r"\frac{5}{8}", "⅞": r"\frac{7}{8}", "⅙": r"\frac{1}{6}", "⅚": r"\frac{5}{6}",
    "\u00a0": " ", "\u2009": r"\,", "\u202f": r"\,", "\u2002": " ", "\u2003": " ", "\u3000": " ",
    "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u200e": "",
    "\u200f": "",
    "\u2061": "", "\u2062": "",
}  # fmt: skip
_TABLE = str.maketrans(
    {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}  # full width
    | _CHARACTERS
    | {
        letter: "\\" + unicodedata.name(letter).split()[-1].lower() + " "
        for letter in "αβγδεζηθκλμξρστφχψωΓΔΘΛΞΣΦΨΩ"
    }
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
#: Characters that can make the displayed answer differ from the text.
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_STRUCK = re.compile(r"\s*~~.+~~\s*", re.DOTALL)
#: Behind which an answer follows: a conclusion's arrow says nothing about the value.
_THEREFORE = re.compile(r"^\s*\\(?:therefore|implies|Rightarrow|Longrightarrow)(?![A-Za-z])\s*")
_EMPTY_GROUP = re.compile(r"(?:^|(?<=[\d\s]))\{\}")
#: `132^\\circT`: the degree sign ends before a capital, whatever TeX says.
_GLUED_CIRCLE = re.compile(r"\\circ(?=[A-Z])")
_ONE_SPELLING = (
    (re.compile(r"\\(?:R|Bbb\s*R|mathbf\s*\{R\})(?![A-Za-z])"), r"\\mathbb{R}"),
    (re.compile(r"\\newline(?![A-Za-z])"), r"\\\\ "),
    (re.compile(r"\{\s*(\\%|\\dollar ?|\^\s*\\circ)\s*\}"), r"\1"),
    (re.compile(r"\s*\\(?:blacksquare|square|qed|Box|checkmark)\s*$"), ""),
    (
        re.compile(r"(?:\\(?:mathrm|text)\{C\}|(?<![A-Za-z\\])C)_\{?(\d+)\}?\^\{?(\d+)\}?"),
        r"\\binom{\1}{\2}",
    ),
    (re.compile(r"\\(?:l|c|dots[cbmio])dots(?![A-Za-z])|\\dots[cbmio](?![A-Za-z])"), r"\\dots"),
    (re.compile(r"\\big(cup|cap)(?![A-Za-z])"), r"\\\1"),
    (re.compile(r"\\cr(?![A-Za-z])"), r"\\\\ "),
    (re.compile(r"(?<![\d.])\.\s*(?=\\(?:overline|bar|dot)(?![A-Za-z]))"), "0."),
)
_ALL_REALS = re.compile(
    r"^\s*(?:\\text\s*\{)?\s*all\s+real(?:s|\s+numbers)\s*\}?\s*$", re.IGNORECASE
)
_US_DOLLARS = re.compile(r"^\s*(?:\\text\s*\{)?\s*USD\s*\}?\s*(\d[\d.,]*)\s*$")
_ABOVE_CHOOSE = re.compile(r"(?:\\(?:mathrm|text)\{C\}|(?<![A-Za-z\\])C)_\{?(\d+)\}?\^\{?(\d+)\}?")
_RAISED_CIRCLE = re.compile(r"\^\s*\{?\s*[°º˚∘]\s*\}?")
_SIDE_CHOOSE = re.compile(
    r"(?<![\w}])(?:\{\})?[_^]\{?(\d+)\}?\s*(?:\\(?:mathrm|text)\{C\}|C)_\{?(\d+)\}?"
    r"|(?<![\w.])(\d+)C(\d+)(?![\w.])"
)
_UNION_LETTER = re.compile(r"(?<=[)\]])\s*U\s*(?=[(\[])")
#: Chinese units and counting words behind a value; those that change it (万, 倍, 成) are not here.
_CHINESE_UNITS = {
    "平方千米": "km^2", "平方公里": "km^2", "平方厘米": "cm^2", "平方分米": "dm^2",
    "平方毫米": "mm^2", "平方米": "m^2", "立方厘米": "cm^3", "立方分米": "dm^3", "立方米": "m^3",
    "千米每小时": "km/h", "千米/时": "km/h", "千米/小时": "km/h", "米/秒": "m/s", "米每秒": "m/s",
    "平方单位": "square units", "单位": "units",
    "毫米": "mm", "厘米": "cm", "分米": "dm", "千米": "km", "公里": "km", "米": "m",
    "千克": "kg", "公斤": "kg", "毫克": "mg", "克": "g", "吨": "tons", "毫升": "ml", "升": "l",
    "摄氏度": "degrees", "度": "degrees", "弧度": "radians", "小时": "hours", "分钟": "minutes",
    "秒": "s", "天": "days", "日": "days", "周": "weeks", "个月": "months", "月": "months",
    "年": "years", "岁": "years", "美元": "dollars", "欧元": "euros", "元": "yuan", "美分": "cents",
    "平方英寸": "in^2", "英寸": "in", "英尺": "ft", "英里": "mi", "码": "yd",
}  # fmt: skip
_CHINESE_IN_TEXT = re.compile(
    r"(\\(?:text|mathrm|mbox|textrm)\s*\{)\s*(" + "|".join(_CHINESE_UNITS) + r")\s*(?=\})"
)
_COUNTING = "个只名位人本张条件种棵块支枚辆次组对双页颗朵根间台头匹群套题分组道盒箱袋瓶杯"
_CHINESE_UNIT = re.compile(
    r"(?<=[\dA-Za-z})!°])\s*(?:(?P<unit>"
    + "|".join(_CHINESE_UNITS)
    + rf")|(?P<count>[{_COUNTING}](?:人|数|解|根|点)?))"
    r"(?![\u4e00-\u9fff])"
)
_CHINESE_WORDS = (
    (re.compile("(?<=[\\d})A-Za-z])\\s*[和与](?=\\s*[-\\d({\\\\A-Za-z])"), r"\\text{ and }"),
    (re.compile("(?<=[\\d})A-Za-z])\\s*或者?(?=\\s*[-\\d({\\\\A-Za-z])"), r"\\text{ or }"),
)
_NOT_EQUAL = re.compile(r"(?:(?<=[A-Za-z)])|(?<=\s))!=(?!=)|(?<=^)!=")
_LONE_SIGN = re.compile(r"\{\s*([-+=])\s*\}")
_STARS = re.compile(r"(?<=[\w)\]}])\*\*(?=[\w({\\-])")
_DOLLAR = re.compile(r"(?:US\s*)?\\(?:\$|(?:math|text)dollar(?![A-Za-z]))")
_MATH_MARKS = re.compile(r"(?<!\\)\$+|(?<!\\)\\[()\[\]](?!\d*(?:pt|em|ex|cm|mm)\])")
_ROW_SKIP = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm)\s*\]")
_SIZING = re.compile(
    r"\\(?:left|right|middle)\s*\.(?!\d)"
    r"|\\(?:left|right|middle|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits"
    r"|allowbreak|nobreak|strut|mathstrut|hfill|quad|qquad|thinspace|medspace|enspace"
    r"|negthinspace|rm|bf|it|sf|tt|boldmath|large|Large|LARGE|huge|Huge|small|tiny|scriptsize"
    r"|footnotesize|normalsize|mathop|mathord|mathbin|mathclose|mathopen|mathinner|smash|bold)(?![A-Za-z])"
)
_WORD_SPACES = re.compile(r"\\(?:quad|qquad|thinspace|medspace|enspace|hfill)(?![A-Za-z])")
#: Digit groups that are one number in any place: 10{,}080  10,\!080  10\,080  10\ 080
_GROUPED = re.compile(
    r"(?<![\d.])([1-9]\d{0,2})"
    r"((?:\s*(?:\{\s*,\s*\}|\{\s*\\,\s*\}|\{\s*,\s*\\!\s*\}|\\!\s*,\s*\\!|\\text\{,\}"
    r"|,\s*\\!|\\[,;: ]|~|\\thinspace)"
    r"\s*\d{3})+)(?!\d)"
)
#: And where one number is expected: 10,080 and 10 080
_COMMAS = re.compile(r"(?<![\d.,])([1-9]\d{0,2})((?:,\d{3})+)(?![\d,])")
_BLANKS = re.compile(r"(?<![\d.,/])(?<![\d.,/] )([1-9]\d{0,2})((?: \d{3})+)(?! ?[\d,/])")
_SPACING = re.compile(r"\\[,;:!> ]|\\\n|~|\\hspace\*?\{[^{}]*\}|\\mspace\{[^{}]*\}|\\mkern-?\d+mu")
_COLOURED = re.compile(r"\\(?:text)?color\s*(?:\[[^\]]*\])?\{[^{}]*\}")
_NOT_DIGITS = re.compile(r"[^\d]")
_SPACES = re.compile(r"\s+")
_LOOSE_SPACES = re.compile(r"(?<=[^A-Za-z0-9.\\])\s+|\s+(?=[^A-Za-z0-9.])")


class Unreadable(ValueError):
    """An answer that cannot be read as mathematics or holds characters that disguise it."""


def clean(text: str, *, commas: bool = False) -> str:
    """Return `text` in the one spelling that the lexer reads.

    `commas`: read `10,080` as one number (where one number is expected).
    Raises Unreadable for control characters, lone surrogates and direction overrides.
    """
    if _UNREADABLE.search(text):
        raise Unreadable("control characters")
    if _STRUCK.fullmatch(text):
        raise Unreadable("struck out")
    if not text.isascii():
        text = _in_ascii(text)
    if "!=" in text:
        text = _NOT_EQUAL.sub(r"\\ne ", text)
    if "{" in text:
        text = _EMPTY_GROUP.sub("", _LONE_SIGN.sub(r"\1", text))
    if "\\" in text or "~" in text or "$" in text:
        text = _one_command(text)
    elif "{,}" in text:
        text = _GROUPED.sub(lambda m: m.group(1) + _NOT_DIGITS.sub("", m.group(2)), text)
    text = _letters(text)
    text = _STARS.sub("^", text.replace("{:}", ":"))
    if commas:
        text = _join_thousands(text)
    text = _SPACES.sub(" ", text).strip()
    return strip_full_stop(text)


def _in_ascii(text: str) -> str:
    """Replace Unicode signs and Chinese words by their commands."""
    text = _RAISED_CIRCLE.sub("°", text)
    text = _RAISED.sub(lambda m: "^{" + m.group().translate(_SUPERSCRIPTS) + "}", text)
    text = _LOWERED.sub(lambda m: "_{" + m.group().translate(_SUBSCRIPTS) + "}", text)
    text = _CHINESE_IN_TEXT.sub(lambda m: m[1] + " " + _CHINESE_UNITS[m[2]], text)
    text = _CHINESE_UNIT.sub(_chinese_unit, text)
    for pattern, replacement in _CHINESE_WORDS:
        text = pattern.sub(replacement, text)
    return text.translate(_TABLE)


def _one_command(text: str) -> str:
    """Replace synonymous commands by one; remove spacing and sizing."""
    text = _THEREFORE.sub("", text)
    text = _ROW_SKIP.sub(r"\\\\ ", text)
    text = _GLUED_CIRCLE.sub(r"\\circ ", text)
    text = _DOLLAR.sub(r"\\dollar ", text)
    text = _MATH_MARKS.sub("", text)
    text = _GROUPED.sub(lambda m: m.group(1) + _NOT_DIGITS.sub("", m.group(2)), text)
    text = _WORD_SPACES.sub(" ", text)
    text = _SIZING.sub(" ", text)
    text = _COLOURED.sub("", text)
    text = _unspace(text)
    for pattern, replacement in _ONE_SPELLING:
        text = pattern.sub(replacement, text)
    return text


def _letters(text: str) -> str:
    """Replace letters that have a meaning: `10C3`, `(1,2)U(3,4)`, `USD 5`, `all real numbers`."""
    if "C" in text:
        text = _ABOVE_CHOOSE.sub(r"\\binom{\1}{\2}", text)
        text = _SIDE_CHOOSE.sub(lambda m: f"\\binom{{{m[1] or m[3]}}}{{{m[2] or m[4]}}}", text)
    if "U" in text:
        text = _UNION_LETTER.sub(r"\\cup ", text)
        text = _US_DOLLARS.sub(r"\\dollar \1", text)
    return _ALL_REALS.sub(r"\\mathbb{R}", text) if "real" in text.lower() else text


def _chinese_unit(match: re.Match[str]) -> str:
    unit = match["unit"]
    return r"\text{ " + (_CHINESE_UNITS[unit] if unit else "units") + "}"


def _join_thousands(text: str) -> str:
    """Join `10,080` and `10 080`; commas not inside brackets: `[-36,104]` has two ends."""

    def join(match: re.Match[str]) -> str:
        before = text[: match.start()]
        if sum(before.count(mark) for mark in "([") > sum(before.count(mark) for mark in ")]"):
            return match.group()
        if before.count("\\{") > before.count("\\}"):
            return match.group()
        return match.group(1) + match.group(2).replace(",", "")

    if "," in text:
        text = _COMMAS.sub(join, text)
    return _BLANKS.sub(lambda m: m.group(1) + m.group(2).replace(" ", ""), text)


def _unspace(text: str) -> str:
    """Replace spacing commands by blanks, but leave `\\\\` (a row end) alone."""
    if "\\\\" not in text:
        return _SPACING.sub(" ", text)
    return "\\\\".join(_SPACING.sub(" ", part) for part in text.split("\\\\"))


def strip_full_stop(text: str) -> str:
    """Without what ends a sentence or a line; a single backslash is what is left of `\\ `."""
    while text and text[-1] in ".,;\\" and not text.endswith(("\\,", "\\;")):
        text = text[: -2 if text.endswith("\\\\") else -1].rstrip()
    return text


def squeeze(text: str) -> str:
    """A cleaned text without the blanks that carry no meaning: for comparing spellings."""
    return _LOOSE_SPACES.sub("", text)


_WRAPPERS = re.compile(
    r"^\\(?:text|textbf|textit|textrm|textsc|textmd|textsf|texttt|mbox|hbox|mathrm|mathbf|mathit|mathsf|mathtt|emph"
    r"|boldsymbol|bm|boxed|fbox|underline|operatorname)\s*\{"
)


def matching_brace(text: str, start: int) -> int:
    """Index of the brace that closes the one at `start`, or -1."""
    depth, i = 0, start
    while i < len(text):
        character = text[i]
        if character == "\\":
            i += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    return -1


def unwrap(text: str) -> str:
    """Take away braces, `$`, fonts, `\\text{}` and inner boxes that enclose the whole answer."""
    text = text.strip()
    for _ in range(20):
        before = text
        while text.startswith("**") and text.endswith("**") and len(text) > 4:
            text = text[2:-2].strip()
        text = (
            text.strip("$").strip() if text.count("$") == 2 and text[0] == text[-1] == "$" else text
        )
        if (text.startswith("\\(") and text.endswith("\\)")) or (
            text.startswith("\\[") and text.endswith("\\]")
        ):
            text = text[2:-2].strip()
        wrapper = _WRAPPERS.match(text)
        opened = wrapper.end() - 1 if wrapper else (0 if text.startswith("{") else -1)
        if opened >= 0:
            closed = matching_brace(text, opened)
            rest = text[closed + 1 :].strip() if closed > 0 else "?"
            if rest in ("", ".", ","):
                text = text[opened + 1 : closed].strip()
        if text == before:
            break
    return text


_WRAPPED = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsc|textmd|textsf|texttt|mbox|hbox|mathrm|mathbf|mathit|mathsf|operatorname|emph)"
    r"\s*\{([^{}]*)\}"
)


def plain_text(text: str) -> str:
    """The words of an answer: wrappers, mathematics marks and end punctuation away, case folded."""
    text = unwrap(_COLOURED.sub("", _SIZING.sub(" ", text)))
    for _ in range(4):
        text, count = _WRAPPED.subn(r"\1", text)
        if not count:
            break
    text = text.replace("\\dollar ", "\\$")
    text = _MATH_MARKS.sub("", _SIZING.sub(" ", text))
    text = _unspace(text).replace("**", "")
    text = _SPACES.sub(" ", text).strip().strip("\"'`").strip()
    text = text.rstrip(".,;:!").strip()
    return text.casefold()


_DEGREES = re.compile(
    r"\s*(?:\^\s*\\circ|\^\s*\{\s*\\circ\s*\}|\\(?:text)?degree|[º˚])(?![A-Za-z])"
)
#: Blanks anywhere but between two letters or two digits.
_IDLE_BLANKS = re.compile(
    r"(?<![^\W_])\s+|\s+(?![^\W_])|(?<=\d)\s+(?=[^\W\d_])|(?<=[^\W\d_])\s+(?=\d)"
)


def loose_text(text: str) -> str:
    """Words with single blanks between them, without blanks next to signs."""
    words = re.sub(r"[\s{}]+", " ", plain_text(_DEGREES.sub("°", text))).strip()
    return _IDLE_BLANKS.sub("", words)
