"""Rain and motion blur, synthetic and real."""

from data_tools.entries import Cut, Entry, Part, RemoteFile
from data_tools.layouts import Images, ListedPairs, Pairs, Rule

_JORDER = "https://www.icst.pku.edu.cn/struct/Projects/joint_rain_removal.html"
_SPA_HOME = "https://stevewongv.github.io/derain-project.html"
_SPA_LICENCE = "redistribution with its notice (License.txt)"
_REALBLUR = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref/{scene}/blur/blur_{number:d}.*"


def _test_set(name: str) -> tuple[Rule, ...]:
    return (Pairs(f"test/{name}/input/{{name}}.*", f"test/{name}/target/{{name}}.*"),)


def _published(split: str, weight: str) -> tuple[Rule, ...]:
    """Rain100L (Light) and Rain100H (Heavy) as published."""
    folder = f"rain_data_{split}_{weight}"
    clean = f"{folder}/**/norain/norain-{{number:d}}.*"
    return (
        Pairs(f"{folder}/**/rain/norain-{{number:d}}x2.*", clean),
        Pairs(f"{folder}/**/rain/X2/norain-{{number:d}}x2.*", clean),
    )


def _copies(name: str) -> tuple[Rule, ...]:
    """The test sets of Rain100L and Rain100H as others pass them on."""
    return (
        *_test_set(name),
        Pairs(f"{name}/rain-{{number:d}}.*", f"{name}/norain-{{number:d}}.*"),
        Pairs(f"{name}/rainy/rain-{{number:d}}.*", f"{name}/gt/norain-{{number:d}}.*"),
    )


def _gopro(split: str) -> tuple[Rule, ...]:
    return (Pairs(f"{split}/{{sequence}}/blur/{{frame:d}}.*", f"{split}/{{sequence}}/sharp/{{frame:d}}.*"),)


WEATHER_AND_BLUR = (
    Entry(
        name="rain13k",
        title="Rain13K",
        task="deraining",
        role="synthetic rain: train is the source domain of Noise-DA; the test sets are the usual ones",
        home="https://github.com/swz30/Restormer/tree/main/Deraining",
        licence="none stated for the collection",
        parts=(
            Part("train", "pairs", 13711, (Pairs("Rain13K/input/{name}.*", "Rain13K/target/{name}.*"),)),
            Part("test100", "pairs", 98, _test_set("Test100")),
            Part("test1200", "pairs", 1200, _test_set("Test1200")),
            Part("test2800", "pairs", 2800, _test_set("Test2800")),
        ),
        by_hand="download the training and test archives (train.zip, test.zip) through the links of its home page into "
        "one folder",
        note="Papers say 13,712 pairs; one had sides of different sizes and is not in the archive. Test100 has 98 "
        "pairs. The archive's Rain100L and Rain100H are prepared as rain100l/test and rain100h/test.",
    ),
    Entry(
        name="rain100l",
        title="Rain100L",
        task="deraining",
        role="synthetic light rain: training and test of DRDD",
        home=_JORDER,
        licence="see its home page",
        parts=(
            Part("train", "pairs", 200, _published("train", "Light")),
            Part("test", "pairs", 100, (*_published("test", "Light"), *_copies("Rain100L"))),
        ),
        by_hand="download rain_data_train_Light and rain_data_test_Light through the links of its home page into one "
        "folder",
        note="Its clean pictures are from BSDS500. The set was once offered with other numbers of pairs.",
    ),
    Entry(
        name="rain100h",
        title="Rain100H",
        task="deraining",
        role="synthetic heavy rain: training and test of DRDD",
        home=_JORDER,
        licence="see its home page",
        parts=(
            Part("train", "pairs", 1800, _published("train", "Heavy")),
            Part("test", "pairs", 100, (*_published("test", "Heavy"), *_copies("Rain100H"))),
        ),
        by_hand="download rain_data_train_Heavy and rain_data_test_Heavy through the links of its home page into one "
        "folder",
        note="A later edition of the test set has 200 pairs.",
    ),
    Entry(
        name="spa",
        title="SPA-Data",
        task="deraining",
        role="real rain: train is the target domain of Noise-DA, test that of its Table 2",
        home=_SPA_HOME,
        licence=_SPA_LICENCE,
        parts=(
            Part(
                "train",
                "pairs",
                638492,
                (
                    Pairs(
                        "real_world/{video}/{video}-{frame}/{video}-{frame}_{x:d}_{y:d}.*",
                        "real_world_gt/{video}/{video}_{x:d}_{y:d}.*",
                    ),
                ),
            ),
            Part(
                "test",
                "pairs",
                1000,
                (
                    Pairs("real_test_1000/rain/{number:d}.*", "real_test_1000/gt/{number:d}gt.*"),
                    Pairs("real_test_1000/rain/{number:d}.*", "real_test_1000/gt/{number:d}.*"),
                ),
            ),
        ),
        by_hand="download real_test_1000.zip and the pieces real_world.zip.00 to .11 through the links of its home "
        "page, join the pieces (cat real_world.zip.* > real_world.zip) and put both archives into one folder",
    ),
    Entry(
        name="real-internet",
        title="Real-Internet",
        task="deraining",
        role="real rain not met in training (pictures of Noise-DA)",
        home=_SPA_HOME,
        licence=_SPA_LICENCE,
        parts=(Part("", "images", None, (Images("Real_Internet/**/{name}.*"),)),),
        by_hand="download Real_Internet.zip, which lies with the test set of SPA-Data, through the links there",
        note="No references.",
    ),
    Entry(
        name="practical",
        title="Practical",
        task="deraining",
        role="real rain not met in training (Table 11 of DRDD)",
        home=_JORDER,
        licence="see its home page",
        parts=(Part("", "images", None, (Images("Practical/**/{name}.*"),)),),
        by_hand="download the practical rain images through the links of its home page into a folder Practical",
        note="No references. Papers take 15 or more of its pictures.",
    ),
    Entry(
        name="gopro",
        title="GoPro (GOPRO_Large)",
        task="deblurring",
        role="synthetic motion blur: train is the source domain of Noise-DA; training and test of DRDD",
        home="https://seungjunnah.github.io/Datasets/gopro",
        licence="CC BY 4.0",
        parts=(
            Part("train", "pairs", 2103, _gopro("train")),
            Part("test", "pairs", 1111, (*_gopro("test"), *_test_set("GoPro"))),
        ),
        files=(
            RemoteFile(
                "GOPRO_Large.zip",
                "https://huggingface.co/datasets/snah/GOPRO_Large/resolve/main/GOPRO_Large.zip",
                checksum="sha256:24532c036712515cf33803704421311c91f6a080e76049d7e5e7fd22389f128e",
            ),
        ),
        by_hand="download GOPRO_Large.zip through the links of its home page",
        note="Of the two blurred versions blur is taken, on which later papers train and test; the GoPro paper itself "
        "used blur_gamma.",
        cut=Cut(size=512, overlap=256),
    ),
    Entry(
        name="realblur-j",
        title="RealBlur-J",
        task="deblurring",
        role="real camera shake: train is the target domain of Noise-DA, test that of its Table 3",
        home="https://cg.postech.ac.kr/research/realblur/",
        licence="CC BY 4.0",
        parts=(
            Part("train", "pairs", 3758, (ListedPairs("RealBlur_J_train_list.txt", _REALBLUR),)),
            Part("test", "pairs", 980, (ListedPairs("RealBlur_J_test_list.txt", _REALBLUR), *_test_set("RealBlur_J"))),
        ),
        by_hand="download RealBlur.tar.gz through the links of its home page; should RealBlur_J_train_list.txt and "
        "RealBlur_J_test_list.txt not be in it, put them beside its folder (they are in github.com/rimchang/RealBlur)",
        note="Pictures can be shifted against their references: its own protocol aligns them before measuring.",
    ),
)
