"""Photographs with the noise of real cameras."""

from data_tools.arrays import Blocks, BoxedPhotographs
from data_tools.entries import Cut, Entry, Part, RemoteFile
from data_tools.layouts import Pairs

_SIDD_BLOCKS = "http://130.63.97.225/share/SIDD_Blocks"

NOISE = (
    Entry(
        name="sidd",
        title="SIDD (Medium sRGB, validation and benchmark blocks)",
        task="denoising",
        role="real phone noise: train is the target domain of Noise-DA, validation the test of its Table 1",
        home="https://www.eecs.yorku.ca/~kamel/sidd/dataset.php",
        licence="see its home page",
        parts=(
            Part(
                "train",
                "pairs",
                320,
                (
                    Pairs(
                        "{scene}/{shot:d}_NOISY_SRGB_{frame:d}.*",
                        "{scene}/{shot:d}_GT_SRGB_{frame:d}.*",
                        stem="{scene}_{frame}",
                    ),
                ),
            ),
            Part("validation", "pairs", 1280, (Blocks("ValidationNoisyBlocksSrgb.mat", "ValidationGtBlocksSrgb.mat"),)),
            Part("benchmark", "images", 1280, (Blocks("BenchmarkNoisyBlocksSrgb.mat"),)),
        ),
        files=(
            RemoteFile(
                "SIDD_Medium_Srgb.zip",
                "http://130.63.97.225/share/SIDD_Medium_Srgb.zip",
                size=13234744070,
                checksum="md5:f95b4bc9ec1dd3fe4ebd61aeacad3991",
                parts=("train",),
            ),
            RemoteFile(
                "ValidationNoisyBlocksSrgb.mat",
                f"{_SIDD_BLOCKS}/ValidationNoisyBlocksSrgb.mat",
                size=229724517,
                parts=("validation",),
            ),
            RemoteFile(
                "ValidationGtBlocksSrgb.mat",
                f"{_SIDD_BLOCKS}/ValidationGtBlocksSrgb.mat",
                size=232055617,
                parts=("validation",),
            ),
            RemoteFile(
                "BenchmarkNoisyBlocksSrgb.mat", f"{_SIDD_BLOCKS}/BenchmarkNoisyBlocksSrgb.mat", parts=("benchmark",)
            ),
        ),
        by_hand="download SIDD_Medium_Srgb.zip and the three .mat files of sRGB blocks from its home page",
        note="Blocks are 256x256, 32 of each of 40 pictures, named PICTURE_BLOCK. The references of the benchmark are "
        "not published; Noise-DA's numbers are on validation.",
        cut=Cut(size=512, overlap=128),
    ),
    Entry(
        name="dnd",
        title="DND (Darmstadt Noise Dataset)",
        task="denoising",
        role="real camera noise not met in training (pictures of Noise-DA)",
        home="https://noise.visinf.tu-darmstadt.de/downloads/",
        licence="see its home page",
        parts=(Part("", "images", 1000, (BoxedPhotographs(),)),),
        by_hand="agree to its terms, download the sRGB images and info.mat (dnd_2017) and unpack them",
        note="512x512 crops, 20 of each of 50 photographs, stored with 16 bits. References are not published; results "
        "are measured by the server of the data set.",
    ),
    Entry(
        name="polyu",
        title="PolyU real-world noisy images (512x512 crops)",
        task="denoising",
        role="real camera noise with references: target domain at bench scale",
        home="https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
        licence="non-commercial research and teaching, keep its notice",
        parts=(Part("", "pairs", 100, (Pairs("CroppedImages/{name}_real.*", "CroppedImages/{name}_mean.*"),)),),
        files=(
            RemoteFile(
                "PolyU-3af0f26.zip",
                "https://github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset/archive/"
                "3af0f2646b267a00446fe4b7113a15e67bc80b4e.zip",
            ),
        ),
        by_hand="download the repository as a zip archive",
        note="Several crops show one scene: split by scene, not by crop.",
    ),
    Entry(
        name="cc",
        title="CC (15 crops of the data of Nam et al.)",
        task="denoising",
        role="real camera noise with references: test at bench scale",
        home="https://github.com/csjunxu/MCWNNM-ICCV2017",
        licence="non-commercial research",
        parts=(
            Part(
                "",
                "pairs",
                15,
                (Pairs("Real_ccnoise_denoised_part/{name}_real.*", "Real_ccnoise_denoised_part/{name}_mean.*"),),
            ),
        ),
        files=(
            RemoteFile(
                "MCWNNM-e6db69b.zip",
                "https://github.com/csjunxu/MCWNNM-ICCV2017/archive/e6db69b01ff21e89461cc49893c89afb1a9a941c.zip",
            ),
        ),
        by_hand="download the repository as a zip archive",
        note="Shares scenes with nam.",
    ),
    Entry(
        name="nam",
        title="Nam (25 crops of the data of Nam et al.)",
        task="denoising",
        role="real camera noise with references",
        home="https://github.com/GuoShi28/CBDNet",
        licence="none stated for the pictures",
        parts=(Part("", "pairs", 25, (Pairs("Nam_patches/{number:d}_noise.*", "Nam_patch_GT/{number:d}_gt.*"),)),),
        files=(
            RemoteFile(
                "CBDNet-083c2e1.zip",
                "https://github.com/GuoShi28/CBDNet/archive/083c2e1439f8908d58d75c1c4cf87c9b74873427.zip",
            ),
        ),
        by_hand="download the repository as a zip archive",
        note="Shares scenes with cc.",
    ),
)
