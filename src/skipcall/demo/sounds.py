"""Short recordings of nobody: two voices that take turns, made of a few tones each, as WAV (8 kHz, 16 bits, one channel)."""

import array
import io
import math
import random
import sys
import wave

SAMPLES_PER_SECOND = 8_000
LOUDEST = 9_000
SYLLABLE_SAMPLES = 1_440
TURN_SYLLABLES = 6
PAUSES = 0.12  # of the syllables
_PITCHES = (120.0, 205.0)  # Hz, of the user and of the contact
_VOWELS = ((730, 1090), (270, 2290), (570, 840), (440, 1020), (300, 870))  # Hz, the first two formants
_SILENCE = [0] * SYLLABLE_SAMPLES


def make_recording(seconds: int, seed: int) -> bytes:
    """Return a WAV file; the same one for the same seed."""
    draw = random.Random(seed)
    voices = [[_syllable(pitch, vowel) for vowel in _VOWELS] for pitch in _PITCHES]
    samples = array.array("h")
    while len(samples) < seconds * SAMPLES_PER_SECOND:
        voice = voices[len(samples) // (SYLLABLE_SAMPLES * TURN_SYLLABLES) % len(voices)]
        samples.extend(_SILENCE if draw.random() < PAUSES else draw.choice(voice))
    del samples[seconds * SAMPLES_PER_SECOND :]
    if sys.byteorder == "big":
        samples.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLES_PER_SECOND)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def _syllable(pitch: float, formants: tuple[int, int]) -> list[int]:
    """Return the samples of one vowel, which swells and fades."""
    # The nearer a harmonic of the pitch is to a formant, the louder.
    harmonics = [
        (pitch * n, 0.05 + sum(math.exp(-(((pitch * n - formant) / 150) ** 2)) for formant in formants))
        for n in range(1, int(2_500 / pitch))
    ]
    whole = sum(loudness for _, loudness in harmonics)
    turn = 2 * math.pi / SAMPLES_PER_SECOND
    return [
        round(
            LOUDEST
            * math.sin(math.pi * place / SYLLABLE_SAMPLES)
            * sum(loudness * math.sin(turn * hertz * place) for hertz, loudness in harmonics)
            / whole
        )
        for place in range(SYLLABLE_SAMPLES)
    ]
