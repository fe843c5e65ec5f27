"""Miniature copies of the original layouts of all data sets in the catalogue.

Pictures are of one colour that encodes who they are, (number, side, 50), so that a test can tell after preparation
whether each name has the right picture and the right partner. Side is 200 for references and 0 for all others.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from PIL import Image

STEP = 10
SIDD_SHAPE = (2, 3, 4, 5, 3)


def write(path: Path, number: int, side: int = 0, size: tuple[int, int] = (12, 8)) -> None:
    """An image file, (width, height) pixels, of the picture ``number``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 100, "subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    Image.new("RGB", size, (number * STEP, side, 50)).save(path, **options)


def identify(pixels: np.ndarray) -> tuple[int, int]:
    """The number of a picture and its side."""
    scale = 257 if pixels.dtype == np.uint16 else 1
    red, green = (pixels[..., channel].mean() / scale for channel in (0, 1))
    return round(red / STEP), round(green / 200) * 200


def images(root: Path, template: str, names: list[str]) -> dict[str, int]:
    """Images called ``template`` with every name; returns who is who, by the name given."""
    for number, name in enumerate(names, 1):
        write(root / template.format(name), number)
    return {name: number for number, name in enumerate(names, 1)}


def pairs(root: Path, degraded: str, clean: str, names: list[str]) -> dict[str, int]:
    """As `images`, with references."""
    for number, name in enumerate(names, 1):
        write(root / clean.format(name), number, 200)
    return images(root, degraded, names)


def shared(root: Path, degraded: str, clean: str, members: dict[str, list[str]], size=(12, 8)) -> dict[str, int]:
    """Several degraded images of one reference; ``members`` lists what fills ``degraded`` for each reference."""
    expected = {}
    for number, (reference, names) in enumerate(members.items(), 1):
        write(root / clean.format(reference), number, 200, size)
        for name in names:
            write(root / degraded.format(name), number)
            expected[name] = number
    return expected


def keyed(expected: dict[str, int], form: str) -> dict[str, int]:
    """Prepared file names for the names that an original was made of."""
    return {form.format(name): number for name, number in expected.items()}


def div2k(root):
    return {
        "train": keyed(images(root, "DIV2K_train_HR/{}.png", ["0001", "0002"]), "{}.png"),
        "valid": keyed(images(root, "DIV2K_valid_HR/{}.png", ["0801"]), "{}.png"),
    }


def flickr2k(root):
    images(root, "Flickr2K/Flickr2K_LR_bicubic/X2/{}x2.png", ["000001"])
    return {"": keyed(images(root, "Flickr2K/Flickr2K_HR/{}.png", ["000001", "000002"]), "{}.png")}


def wed(root):
    images(root, "exploration_database_and_code/distorted_images/{}.bmp", ["00001_1"])
    return {"": keyed(images(root, "exploration_database_and_code/pristine_images/{}.bmp", ["00001"]), "{}.bmp")}


def bsds(root):
    for split, names in (("train", ["100075"]), ("val", ["101085", "86000"]), ("test", ["10081"])):
        images(root, f"BSR/BSDS500/data/images/{split}/{{}}.jpg", names)
        (root / f"BSR/BSDS500/data/images/{split}/Thumbs.db").write_bytes(b"x")


def bsds500(root):
    bsds(root)
    return {"train": {"100075.jpg": 1}, "val": {"101085.jpg": 1, "86000.jpg": 2}, "test": {"10081.jpg": 1}}


def bsd400(root):
    bsds(root)
    return {"": {"100075.jpg": 1, "10081.jpg": 1}}


def cbsd68(root):
    bsds(root)
    return {"": {"101085.jpg": 1}}


def kodak24(root):
    return {"": keyed(images(root, "FFDNet-e787/testsets/Kodak24/{}.png", ["kodim01", "kodim02"]), "{}.png")}


def mcmaster(root):
    return {"": keyed(images(root, "FFDNet-e787/testsets/McMaster/{}.tif", ["1", "18"]), "{}.tif")}


def urban100(root):
    images(root, "Urban100/image_SRF_4/{}_SRF_4_LR.png", ["img_001"])
    return {"": keyed(images(root, "Urban100/image_SRF_4/{}_SRF_4_HR.png", ["img_001", "img_002"]), "{}.png")}


def coco(root):
    splits = ("train", "val", "test", "unlabeled")
    return {split: keyed(images(root, f"{split}2017/{{}}.jpg", ["000000000009"]), "{}.jpg") for split in splits}


def sidd(root):
    """Validation in MATLAB 5, the benchmark in MATLAB 7.3."""
    scenes = ["0001_001_S6_00100_00060_3200_L/0001_{}_SRGB_010", "0001_001_S6_00100_00060_3200_L/0001_{}_SRGB_011"]
    for number, scene in enumerate(scenes, 1):
        write(root / "SIDD_Medium_Srgb/Data" / (scene.format("NOISY") + ".PNG"), number)
        write(root / "SIDD_Medium_Srgb/Data" / (scene.format("GT") + ".PNG"), number, 200)
    blocks = {side: sidd_blocks(side) for side in (0, 200)}
    scipy.io.savemat(
        root / "ValidationNoisyBlocksSrgb.mat", {"ValidationNoisyBlocksSrgb": blocks[0]}, do_compression=True
    )
    scipy.io.savemat(root / "ValidationGtBlocksSrgb.mat", {"ValidationGtBlocksSrgb": blocks[200]})
    matlab73(root / "BenchmarkNoisyBlocksSrgb.mat", {"BenchmarkNoisyBlocksSrgb": blocks[0]})
    names = [f"{image:04d}_{block:02d}.png" for image in (1, 2) for block in (1, 2, 3)]
    numbered = {name: number for number, name in enumerate(names, 1)}
    train = {f"0001_001_S6_00100_00060_3200_L_{frame}.PNG": n for n, frame in enumerate(("010", "011"), 1)}
    return {"train": train, "validation": numbered, "benchmark": numbered}


def sidd_blocks(side: int) -> np.ndarray:
    array = np.full(SIDD_SHAPE, 50, np.uint8)
    array[..., 0] = (np.arange(1, 7, dtype=np.uint8) * STEP).reshape(2, 3, 1, 1)
    array[..., 1] = side
    return array


def matlab73(path: Path, variables: dict[str, np.ndarray]) -> None:
    """A file as MATLAB 7.3 writes it: HDF5 behind 512 bytes of header, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in variables.items():
            file[name] = array.transpose()
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def dnd(root):
    """Two photographs with two boxes each; boxes are one-based corners (top, left, bottom, right), ends included."""
    boxes = np.array([[1, 1, 4, 4], [3, 5, 6, 10]])
    (root / "dnd_2017/images_srgb").mkdir(parents=True)
    expected = {}
    for number in (1, 2):
        photograph = np.ones((6, 10, 3), np.float32)
        for index, (top, left, bottom, right) in enumerate(boxes, 1):
            name = f"{number:04d}_{index:02d}.png"
            expected[name] = 2 * number + index
            photograph[top - 1 : bottom, left - 1 : right] = np.array([expected[name] * STEP, 0, 50]) / 255
        matlab73(root / f"dnd_2017/images_srgb/{number:04d}.mat", {"InoisySRGB": photograph})
    with h5py.File(root / "dnd_2017/info.mat", "w", userblock_size=512) as file:
        references = [file.create_dataset(f"#refs#/{letter}", data=boxes.T.astype(float)).ref for letter in "ab"]
        file.create_dataset("info/boundingboxes", data=np.array([references], dtype=h5py.ref_dtype).T)
    return {"": expected}


def polyu(root):
    place = "PolyU-3af0/CroppedImages/{}"
    images(root, "PolyU-3af0/OriginalImages/{}_Real.JPG", ["Canon5D2_chair"])
    return {"": keyed(pairs(root, place + "_real.JPG", place + "_mean.JPG", ["Canon5D2_5_160_chair_11"]), "{}.JPG")}


def cc(root):
    place = "MCWNNM/Real_ccnoise_denoised_part/{}"
    images(root, place + "_ours.png", ["d800_iso1600_1"])
    return {"": keyed(pairs(root, place + "_real.png", place + "_mean.png", ["d800_iso1600_1"]), "{}.png")}


def nam(root):
    made = pairs(
        root, "CBDNet/testsets/Nam_patches/{}_noise.png", "CBDNet/testsets/Nam_patch_GT/{}_gt.png", ["01", "25"]
    )
    return {"": keyed(made, "{}.png")}


def rain13k(root):
    made = {"train": pairs(root, "train/Rain13K/input/{}.jpg", "train/Rain13K/target/{}.jpg", ["1", "2"])}
    for name in ("Test100", "Test1200", "Test2800"):
        made[name.lower()] = pairs(root, f"test/{name}/input/{{}}.jpg", f"test/{name}/target/{{}}.jpg", ["1"])
    return {part: keyed(expected, "{}.jpg") for part, expected in made.items()}


def rain100l(root):
    train, test = "rain_data_train_Light", "rain_data_test_Light"
    made = {
        "train": pairs(root, train + "/rain/norain-{}x2.png", train + "/norain/norain-{}.png", ["1", "2"]),
        "test": pairs(root, test + "/rain/X2/norain-{}x2.png", test + "/norain/norain-{}.png", ["001"]),
    }
    images(root, train + "/rainregion/rainregion-{}.png", ["1"])
    return {part: keyed(expected, "{}.png") for part, expected in made.items()}


def rain100h(root):
    train, test = "rain_data_train_Heavy", "rain_data_test_Heavy/rain_heavy_test"
    made = {
        "train": pairs(root, train + "/rain/norain-{}x2.png", train + "/norain/norain-{}.png", ["1"]),
        "test": pairs(root, test + "/rain/X2/norain-{}x2.png", test + "/norain/norain-{}.png", ["001", "002"]),
    }
    return {part: keyed(expected, "{}.png") for part, expected in made.items()}


def spa(root):
    members = {"000/000_0_1": ["000/000-7/000-7_0_1", "000/000-8/000-8_0_1"], "001/001_3_2": ["001/001-1/001-1_3_2"]}
    train = shared(root, "real_world/{}.png", "real_world_gt/{}.png", members)
    test = pairs(root, "real_test_1000/rain/{}.png", "real_test_1000/gt/{}gt.png", ["000", "001"])
    renamed = {"000_7_0_1.png": 1, "000_8_0_1.png": 1, "001_1_3_2.png": 2}
    assert len(train) == len(renamed)
    return {"train": renamed, "test": keyed(test, "{}.png")}


def real_internet(root):
    return {"": keyed(images(root, "Real_Internet/{}.jpg", ["1", "2"]), "{}.jpg")}


def gopro(root):
    expected = {}
    for split, sequence in (("train", "GOPR0372_07_00"), ("test", "GOPR0384_11_00")):
        place = f"GOPRO_Large/{split}/{sequence}"
        images(root, place + "/blur_gamma/{}.png", ["000047", "000048", "000049"])
        made = pairs(root, place + "/blur/{}.png", place + "/sharp/{}.png", ["000047", "000048"])
        expected[split] = keyed(made, sequence + "_{}.png")
    return expected


def realblur_j(root):
    place = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref"
    made = {}
    lists = {"train": [("scene001", 1), ("scene001", 2)], "test": [("scene230", 7)]}
    for split, members in lists.items():
        made[split], lines = {}, []
        for number, (scene, index) in enumerate(members, 1):
            write(root / "RealBlur" / place / scene / f"blur/blur_{index}.png", number)
            write(root / "RealBlur" / place / scene / f"gt/gt_{index}.png", number, 200)
            lines.append(f"{place}/{scene}/gt/gt_{index}.png {place}/{scene}/blur/blur_{index}.png")
            made[split][f"{scene}_{index}.png"] = number
        (root / "RealBlur" / f"RealBlur_J_{split}_list.txt").write_text("\n".join(lines) + "\n")
    return made


def reside_ots(root):
    members = {"0005": ["part1/0005_0.8_0.04", "part2/0005_1_0.2"], "8180": ["part4/8180_0.95_0.12"]}
    made = shared(root, "OTS/{}.jpg", "OTS/clear/{}.jpg", members)
    write(root / "OTS/clear/9999.jpg", 9, 200)  # clear pictures without haze are there too
    return {"": {name.partition("/")[2] + ".jpg": number for name, number in made.items()}}


def sots(root):
    outdoor = shared(
        root, "SOTS/outdoor/hazy/{}.jpg", "SOTS/outdoor/gt/{}.png", {"0001": ["0001_0.8_0.2"], "0002": ["0002_1_0.08"]}
    )
    indoor = shared(
        root, "SOTS/indoor/hazy/{}.png", "SOTS/indoor/gt/{}.png", {"1400": ["1400_1", "1400_2"]}, size=(32, 28)
    )
    return {"outdoor": keyed(outdoor, "{}.png"), "indoor": keyed(indoor, "{}.png")}


def lolv1(root):
    train = pairs(root, "LOLdataset/our485/low/{}.png", "LOLdataset/our485/high/{}.png", ["2", "5"])
    test = pairs(root, "LOLdataset/eval15/low/{}.png", "LOLdataset/eval15/high/{}.png", ["1"])
    return {"train": keyed(train, "{}.png"), "test": keyed(test, "{}.png")}


def cdd_11(root):
    expected = {}
    for split in ("train", "test"):
        members = {"00001": ["low/00001", "low_haze_rain/00001"], "00002": ["snow/00002"]}
        made = shared(root, f"CDD-11_{split}/{{}}.png", f"CDD-11_{split}/clear/{{}}.png", members)
        expected[split] = {name.replace("/", "_") + ".png": number for name, number in made.items()}
    return expected


def ve_lol(root):
    place = "VE-LOL-L/VE-LOL-L-Cap-Full/VE-LOL-L-Cap"
    images(root, "VE-LOL-L/VE-LOL-L-Syn/VE-LOL-L-Syn-Low_train/{}.png", ["00001"])
    made = {
        "train": pairs(root, place + "-Low_train/low{}.png", place + "-Normal_train/normal{}.png", ["00001", "00002"]),
        "test": pairs(root, place + "-Low_test/low{}.png", place + "-Normal_test/normal{}.png", ["00690"]),
    }
    return {part: keyed(expected, "{}.png") for part, expected in made.items()}


def mef(root):
    return {"": keyed(images(root, "low/MEF/{}.png", ["A", "B"]), "{}.png")}


def npe(root):
    return {"": keyed(images(root, "low/NPE/{}.jpg", ["birds"]), "{}.jpg")}


def dicm(root):
    return {"": keyed(images(root, "low/DICM/{}.JPG", ["01"]), "{}.JPG")}


def practical(root):
    return {"": keyed(images(root, "Practical/{}.png", ["1", "2"]), "{}.png")}


def halves(root: Path, folder: str) -> dict[str, dict[str, int]]:
    """Edges on the left, what they are of on the right."""
    expected = {}
    for part, split in (("train", "train"), ("test", "val")):
        expected[part] = {f"{number}.png": number for number in (1, 2)}
        for number in (1, 2):
            both = np.full((8, 24, 3), (number * STEP, 0, 50), np.uint8)
            both[:, 12:, 1] = 200
            (root / folder / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(both).save(root / folder / split / f"{number}_AB.png")
    return expected


def edges2handbags(root):
    return halves(root, "edges2handbags")


def edges2shoes(root):
    return halves(root, "edges2shoes")


def uc_merced(root):
    made = images(root, "UCMerced_LandUse/Images/beach/{}.tif", ["beach00", "beach89", "beach90"])
    return {
        split: {f"{name}.tif": made[name] for name in names}
        for split, names in (("train", ["beach00", "beach89"]), ("test", ["beach90"]))
    }


def brainweb(root):
    """A MINC 1 (NetCDF) and a compressed MINC 2 (HDF5) volume of six slices, all but the last half as bright as it."""
    stored = np.full((6, 4, 5), 100, np.uint8)
    stored[-1] = 200
    with scipy.io.netcdf_file(root / "t1_icbm.mnc", "w") as file:
        for name, length in zip(("zspace", "yspace", "xspace"), stored.shape, strict=True):
            file.createDimension(name, length)
        image = file.createVariable("image", "b", ("zspace", "yspace", "xspace"))
        image[:] = stored.view(np.int8)
        image.signtype, image.valid_range = b"unsigned", np.array([0.0, 200.0])
        for name, values in (("image-min", [0.0] * 6), ("image-max", [1000.0] * 6)):
            file.createVariable(name, "d", ("zspace",))[:] = values
    with h5py.File(root / "plain.h5", "w") as file:
        group = file.create_group("minc-2.0/image/0")
        group.create_dataset("image", data=stored.astype(np.uint16)).attrs["valid_range"] = [0.0, 400.0]
        group["image-min"], group["image-max"] = 0.0, 50.0
    (root / "t2_icbm.mnc.gz").write_bytes(gzip.compress((root / "plain.h5").read_bytes()))
    (root / "plain.h5").unlink()
    every = [f"{name}_{number:03d}.png" for name in ("t1_icbm", "t2_icbm") for number in range(6)]
    return {"train": [*every[1:10], every[11]], "test": [every[0], every[10]]}


def celeba_hq(root):
    images(root, "CelebAMask-HQ/CelebAMask-HQ-mask-anno/0/{}.png", ["00000_hair"])
    return {"": keyed(images(root, "CelebAMask-HQ/CelebA-HQ-img/{}.jpg", ["0", "1"]), "{}.jpg")}


def ffhq(root):
    large = images(root, "ffhq-dataset/images1024x1024/00000/{}.png", ["00000", "00001"])
    small = images(root, "ffhq-dataset/thumbnails128x128/{}.png", ["00000"])
    return {"images": keyed(large, "{}.png"), "thumbnails": keyed(small, "{}.png")}


ORIGINALS = {
    function.__name__.replace("_", "-"): function
    for function in (
        div2k, flickr2k, wed, bsds500, bsd400, cbsd68, kodak24, mcmaster, urban100, coco, sidd, dnd, polyu, cc, nam,
        rain13k, rain100l, rain100h, spa, real_internet, gopro, realblur_j, reside_ots, sots, lolv1, cdd_11, uc_merced,
        brainweb, celeba_hq, ffhq, practical, ve_lol, mef, npe, dicm, edges2handbags, edges2shoes,
    )
}  # fmt: skip
