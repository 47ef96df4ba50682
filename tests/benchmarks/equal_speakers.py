"""How far our networks of speakers are from their public code, on real clips.

    python -m tests.benchmarks.equal_speakers --data ../shared/data --public-code DIR [DIR …] [--clips 8]

Each DIR is a clone of one of

    github.com/Junhua-Liao/LR-ASD            both files of its folder weight/
    github.com/Junhua-Liao/Light-ASD         both files of its folder weight/
    github.com/joonson/syncnet_python        weights by formula, or --syncnet FILE (syncnet_v2.model)

Both sides get the same crops of the longest face track of a clip; the public side's cepstra come from the package
python_speech_features 0.6, ours from `tasks.speakers.mfcc`. The public active-speaker networks judge the whole
track at once, without the demo's segments. SyncNet's public side takes windows of five frames in batches of 20, as
its own loop does. Printed: the largest absolute differences. Nothing is installed, changed or downloaded.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tasks.faces.detectors import open_detector
from tasks.faces.tracks import TrackRules, detect_in, link
from tasks.media import read_frames, read_waveform
from tasks.speakers import light_asd, lr_asd, syncnet
from tasks.speakers.crops import FULL_SIDE, FaceTrack, crop_tracks
from tasks.speakers.mfcc import mfcc
from tests.benchmarks.speaker_clips import KEPT, asd_minis, normalised, weights_in
from tests.speakers.formula_weights import formula_state, syncnet_shapes

BOUND = 1e-4
MAX_SHIFT = 15
_PUBLIC_BATCH = 20
_FRAMES_OF_SYNCNET = 40


@dataclass(frozen=True)
class RealFace:
    """A face track of a real clip.

    Attributes:
        grey: uint8 (T, 112, 112).
        colour: uint8 (T, 224, 224, 3), BGR.
        sound: float32 (640·T,) of the track.
    """

    name: str
    grey: np.ndarray
    colour: np.ndarray
    sound: np.ndarray


@dataclass(frozen=True)
class Compared:
    """Of one network and file of weights: largest absolute difference by quantity, and how many numbers."""

    network: str
    weights: str
    clips: int
    numbers: int
    differences: dict[str, float]


def real_faces(data: Path, folder: Path, wanted: int) -> list[RealFace]:
    """The longest track of each of so many original talking clips."""
    detect = open_detector("yunet", weights_in(data))
    originals = [clip for clip in asd_minis(data) if clip.kind == "orig"]
    faces = []
    for clip in originals:
        path = Path(normalised(data, folder, clip).row["path"])
        found = detect_in(read_frames(path, colour="bgr"), detect)
        tracks = link(found, [(0, len(found))], TrackRules(every=1))
        if not tracks:
            continue
        longest = max(tracks, key=lambda track: len(track.boxes))
        track = FaceTrack(0, longest.start_frame, longest.boxes)
        ((_, grey),) = crop_tracks(_as(path, "gray"), [track])
        ((_, colour),) = crop_tracks(_as(path, "bgr"), [track], FULL_SIDE)
        begin, length = 640 * track.start_frame, 640 * len(grey)
        faces.append(RealFace(clip.file, grey, colour, read_waveform(path)[begin : begin + length]))
        if len(faces) == wanted:
            break
    return faces


def _as(path: Path, colour: str) -> Iterator[tuple[int, np.ndarray]]:
    return ((batch.start_frame, batch.frames) for batch in read_frames(path, colour=colour))


@contextmanager
def modules_of(folder: Path) -> Iterator[Callable[[str], ModuleType]]:
    """Import by name from a clone; whatever it brought in is forgotten afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(folder) in str(getattr(sys.modules[name], "__file__", None) or sys.modules[name]):
                del sys.modules[name]


def public_cepstra(face: RealFace) -> np.ndarray:
    """float64 (4·(T − 1), 13) from python_speech_features, on 16-bit samples, in whole frames of the picture.

    Of T frames of sound the package makes 4·T − 1 hops, and so the public code leaves out a track's last frame.
    """
    from python_speech_features import mfcc as theirs

    samples = np.clip(np.rint(face.sound * 32768.0), -32768, 32767).astype(np.int16)
    hops = theirs(samples, 16_000, numcep=13, winlen=0.025, winstep=0.010)
    return hops[: len(hops) - len(hops) % 4]


def active_speaker(title: str, ours: Callable, clone: Path, faces: list[RealFace]) -> list[Compared]:
    """Compare LR-ASD or Light-ASD with each file of weights in the clone."""
    results = []
    with modules_of(clone) as load:
        network = load("model.Model").ASD_Model()
        heads = load("loss")
        whole = torch.nn.Module()
        whole.model, whole.lossAV, whole.lossV = network, heads.lossAV(), heads.lossV()
        for weights in sorted((clone / "weight").glob("*.model")):
            whole.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
            whole.eval()
            mine, differences, numbers = ours(weights), {"cepstra": 0.0, "score": 0.0}, 0
            for face in faces:
                cepstra = public_cepstra(face)
                crops, heard = face.grey[: len(cepstra) // 4], mfcc(face.sound, len(cepstra))
                theirs = _public_scores(whole, cepstra, crops)
                scores = mine.judge(mine.hear(heard)[None], mine.see(crops)[None])[0]
                _keep(differences, "cepstra", heard, cepstra)
                _keep(differences, "score", scores, theirs)
                numbers += len(scores)
            results.append(Compared(title, weights.name, len(faces), numbers, differences))
    return results


def _public_scores(whole: torch.nn.Module, cepstra: np.ndarray, crops: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        heard = whole.model.forward_audio_frontend(torch.FloatTensor(cepstra)[None])
        seen = whole.model.forward_visual_frontend(torch.FloatTensor(crops)[None])
        return whole.lossAV.forward(whole.model.forward_audio_visual_backend(heard, seen), labels=None)


def lip_sync(clone: Path, weights: Path | None, faces: list[RealFace]) -> Compared:
    """Compare SyncNet: embeddings, distances at every offset, offset and confidence."""
    state = (
        formula_state(syncnet_shapes())
        if weights is None
        else torch.load(weights, map_location="cpu", weights_only=True)
    )
    differences, numbers = {}, 0
    with modules_of(clone) as load, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "syncnet.model"
        torch.save(state, file)
        mine, theirs = syncnet.load(file), load("SyncNetModel").S()
        theirs.load_state_dict(state, strict=False)
        theirs.eval()
        pairwise = load("SyncNetInstance").calc_pdist
        for face in faces:
            cepstra = public_cepstra(face)[: 4 * _FRAMES_OF_SYNCNET]
            frames = len(cepstra) // 4
            seen, heard = _public_embeddings(theirs, face.colour[:frames], cepstra)
            apart = torch.stack(pairwise(seen, heard, MAX_SHIFT), 1).numpy()
            own_seen = mine.see(face.colour[:frames])
            own_heard = mine.hear(mfcc(face.sound, 4 * frames))
            own_apart = syncnet.distances(own_seen, own_heard, MAX_SHIFT)
            _keep(differences, "lip embedding", own_seen, seen)
            _keep(differences, "sound embedding", own_heard, heard)
            _keep(differences, "distance", own_apart[::-1], apart)
            found, means = syncnet.synchrony(own_apart), apart.mean(axis=1)
            _keep(differences, "offset, frames", found.offset_frames, MAX_SHIFT - means.argmin())
            _keep(differences, "confidence", found.confidence, np.median(means) - means.min())
            numbers += own_apart.size
    return Compared("SyncNet", weights.name if weights else "by formula", len(faces), numbers, differences)


def _public_embeddings(
    network: torch.nn.Module, crops: np.ndarray, cepstra: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Every window of five frames and of twenty hops on its own."""
    film = torch.from_numpy(crops.astype(np.float32)).permute(3, 0, 1, 2)[None]
    sound = torch.from_numpy(cepstra.T.astype(np.float32))[None, None]
    seen, heard, windows = [], [], len(crops) - 4
    with torch.no_grad():
        for start in range(0, windows, _PUBLIC_BATCH):
            at = range(start, min(start + _PUBLIC_BATCH, windows))
            seen.append(network.forward_lip(torch.cat([film[:, :, i : i + 5] for i in at])))
            heard.append(network.forward_aud(torch.cat([sound[:, :, :, 4 * i : 4 * i + 20] for i in at])))
    return torch.cat(seen), torch.cat(heard)


def _keep(differences: dict[str, float], name: str, ours, theirs) -> None:
    found = float(np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).max())
    differences[name] = max(differences.get(name, 0.0), found)


def compare(clone: Path, faces: list[RealFace], syncnet_weights: Path | None) -> list[Compared]:
    """Whatever the clone holds."""
    if (clone / "SyncNetModel.py").exists():
        return [lip_sync(clone, syncnet_weights, faces)]
    if "BGRU" in (clone / "model/Classifier.py").read_text(encoding="utf-8"):
        return active_speaker("Light-ASD", light_asd.load, clone, faces)
    return active_speaker("LR-ASD", lr_asd.load, clone, faces)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--public-code", type=Path, nargs="+", required=True, help="clones, see above")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=KEPT, help="where normalised clips are kept")
    parser.add_argument("--clips", type=int, default=8, help="how many clips (default: %(default)s)")
    parser.add_argument("--syncnet", type=Path, help="syncnet_v2.model, where you have it")
    wanted = parser.parse_args()
    faces = real_faces(wanted.data, wanted.folder, wanted.clips)
    frames = sum(len(face.grey) for face in faces)
    table = Table("network", "weights", "clips", "numbers", "of", "max abs difference", "≤ 1e-4")
    for clone in wanted.public_code:
        for found in compare(clone.resolve(), faces, wanted.syncnet):
            for name, difference in found.differences.items():
                verdict = "yes" if difference <= BOUND else "no"
                counts = (str(found.clips), str(found.numbers))
                table.add_row(found.network, found.weights, *counts, name, f"{difference:.1e}", verdict)
            table.add_section()
    console = Console(width=120)
    console.print(
        table, f"{len(faces)} face tracks of real clips, {frames} frames; torch {torch.__version__}"
    )


if __name__ == "__main__":
    main()
