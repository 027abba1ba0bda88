"""Sentences that assert nothing of this ECG, and assertions that no ECG could settle."""

from __future__ import annotations

import re
import itertools

_CHUNK = re.compile(
    r";|:(?= (?:it|this|these|here)\b)|,? (?=which\b)|,(?= (?:but|although|though|whereas|while|so|as|and (?:the|this|an?|it)|a condition|an? \w+ in which)\b)"
)
# General knowledge, announcements, questions and hypotheticals (gold conventions 3 and 10).
_BAIT = re.compile(
    r"\b(?:usually|typically|generally|commonly|in general|by definition|(?:is|are) defined (?:as|by)|refers? to|"
    r"represents? (?:the |atrial |ventricular )(?:time|total|electrical|depolari|repolari|conduction|sum|activ)|"
    r"represents? (?:atrial|ventricular)|reflects? (?:the )?(?:atrial|ventricular|time|conduction)|"
    r"(?:is|are) calculated (?:by|from|using|as|with)|"
    r"normal (?:pr|qrs|qtc?|heart rate|p|t|st)\b[\w ]{0,20} (?:lies|ranges|is (?:between|below|less|under|up))|adds? the|had the|would (?:have|be expected|show|suggest|indicate|be seen|require|need|point)|"
    r"if (?:the|there|a|an|this|present|qrs|st)\b|(?:is|are) known (?:to|as)|textbooks?|in healthy (?:people|adults|hearts)|"
    r"criteria(?: for [\w ]{1,40}?)? (?:are|is|include|require)(?! (?:not |all |clearly )?(?:met|fulfil|satisf|present|positive|reached|exceeded))|criterion (?:is|requires)|(?:is|are) common(?: in)?|"
    r"carr(?:y|ies) (?:a|an)|is considered (?:normal|abnormal|prolonged|wide|short) (?:when|if|above|below)|normal values?|"
    r"reference (?:values?|ranges?)|looks? at the|faces? the|face the|overl(?:ie|ies|ay)|(?:is|are) supplied|"
    r"(?:was|were) (?:inspected|examined|assessed|evaluated|considered|reviewed|analy[sz]ed|taken|checked|measured (?:beat|in|from|by|over|using))|"
    r"(?:i|we) (?:will|shall|now|next|first|begin|start)|let (?:us|me)|becomes? more difficult|can (?:form|be formed|arise)|"
    r"such (?:a |an )?\w+ (?:\w+ )?(?:is|are|arise|arises|may|can|usually)|of this kind|in (?:most|many|some) (?:people|patients|adults|cases)|"
    r"are activated|is activated|every atrial impulse|serves? as|is used to|are used to|one should|it is important to|"
    r"step (?:is|will be)|used below|question is|to (?:assess|evaluate|determine|look for|check for|examine) (?:the|for|whether)|"
    r"(?:a|an) (?:\w+ ){0,3}(?:above|below|over|under|exceeding|of more than|longer than|greater than|wider than) \S+ \w+ (?:is|carries|indicates|"
    r"suggests|means|defines|would|counts|qualifies)|whether (?:the|there|a|an)|no organi[sz]ed p wave can)\b"
)
_QUESTION = re.compile(r"\?\W*$")
_GENERAL_OPENING = re.compile(
    r"\W*(?:(?:when )?compared (?:with|to)|in comparison|no (?:significant |relevant |major )?changes? (?:since|compared|from)|in (?:the presence of such|atrial fibrillation|left bundle|right bundle|bundle branch|lbbb|rbbb|wpw|a healthy|healthy|"
    r"normal (?:hearts|conduction|individuals|adults))\b|(?:next|first|now|let|i will|we will|to begin)\b(?![ ,-]+(?:the )?(?:degree|beat|rhythm|rate|and|qrs|complex))|"
    r"(?:should|would|could|is there|are there|does the|do the)\b)"
)
_OTHER = re.compile(
    r"\b(?:recommend\w*|advis(?:ed|able)|warrant\w*|(?:is|are|be) (?:suggested|indicated)|should be (?:taken|correlated|interpreted|evaluated|"
    r"followed|obtained|performed|repeated|compared|confirmed|assessed|checked|made|referred|monitored)|correlat(?:e|ion|ed)|follow[ -]?up|echocardio\w*|troponins?|"
    r"biomarkers?|electrolytes?|symptom\w*|dyspn\w*|chest pain|(?:clinical|medical|family|past) history|(?:patient|clinical(?:ly)?|therap\w+|treatment|"
    r"anticoagula\w+|medications?|digitalis|digoxin|drugs?|beta[ -]blockers?|amiodarone|antiarrhythmics?)\b|compar(?:ed|ison) (?:with|to)|"
    r"no (?:significant |relevant |major )?changes? since|(?:previous|prior|earlier|old) (?:ecg|tracing|ekg|recording)s?|serial|hypertension|vagal|"
    r"athlet\w*|benign|(?:cardiac|heart) function|healthy heart|urgent|emergency|immediate|referral|cardiolog\w+|consult\w*|angiograph\w*|"
    r"stress test|holter|monitoring|repeat(?:ed)? (?:ecg|tracing)|since \d|age of the patient|year-old|(?:coronary )?risk|prognos\w+|"
    r"lifestyle|fever|anxiety|exercise|athletic|conditioning|wide p|would be (?:helpful|useful|advisable|prudent|reasonable)|may be (?:useful|helpful)|"
    r"consider (?:rate control|anticoag\w+|evaluation|further)|obtain|rule out other)\b"
)
_POSSIBLE = re.compile(
    r"\b(?:may|might|could|possibl[ey]|probabl[ey]|likely|suggest(?:s|ing|ive)|perhaps|cannot be excluded|consistent with)\b"
)
_ADVICE = re.compile(r"\b(?:recommend|advis|should|would be|warrant|suggested|useful|helpful|consider)\w*")
_TAIL = re.compile(r",(?= (?:indicating|reflecting|possibly|likely|probably|perhaps|consider)\b)")
_EDGE = " \t,;:-.()*\"'"


def _chunks(lower: str) -> list[tuple[int, int]]:
    bounds = [0, *sorted({match.start() for match in _CHUNK.finditer(lower)}), len(lower)]
    return [(a, b) for a, b in itertools.pairwise(bounds) if lower[a:b].strip(_EDGE)]


def bait_spans(lower: str) -> list[tuple[int, int]]:
    """Return the stretches of a sentence that speak of ECGs in general, not of this one."""
    if _QUESTION.search(lower) and re.match(
        r"\W*(?:is|are|does|do|could|can|what|why|how|which|should|would|was)\b", lower
    ):
        return [(0, len(lower))]
    if _GENERAL_OPENING.match(lower):
        return [(0, len(lower))]
    return [(a, b) for a, b in _chunks(lower) if _BAIT.search(lower, a, b)]


def other_spans(lower: str, taken: list[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """Return (start, end, possible) of the chunks that assert what no 12-lead ECG can show.

    ``taken`` are the spans of claims already found: a chunk that holds one is not claimed again.
    """
    chunks = _chunks(lower)
    if not any(_OTHER.search(lower, a, b) for a, b in chunks):
        return []
    if not taken:
        chunks = [(0, len(lower))]
    found = []
    for start, end in _tails(lower, chunks):
        if any(a < end and start < b for a, b in taken) or not _OTHER.search(lower, start, end):
            continue
        if _QUESTION.search(lower) or re.search(r"\b(?:i|we) (?:will|shall)\b", lower):
            continue
        start, end = _trimmed(lower, start, end)
        advice = _ADVICE.search(lower, start, end)
        found.append((start, end, bool(_POSSIBLE.search(lower, start, end)) and not advice))
    return found


def _tails(lower: str, chunks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut participle tails (", indicating …") off chunks, so that they can be claims of their own."""
    pieces = []
    for start, end in chunks:
        cuts = [start, *(match.start() for match in _TAIL.finditer(lower, start, end)), end]
        pieces += [(a, b) for a, b in itertools.pairwise(cuts) if lower[a:b].strip(_EDGE)]
    return pieces


def _trimmed(lower: str, start: int, end: int) -> tuple[int, int]:
    while start < end and lower[start] in _EDGE:
        start += 1
    while end > start and lower[end - 1] in " \t,;:-(*":
        end -= 1
    return start, end
