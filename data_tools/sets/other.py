"""Further data sets of DRDD: haze, low light, mixed degradations, other domains, faces."""

from data_tools.arrays import Slices
from data_tools.entries import Entry, Part, RemoteFile
from data_tools.layouts import Halves, Images, Pairs

_RESIDE = "https://sites.google.com/view/reside-dehaze-datasets"
_HAZY = "{number:d}_{light}_{density}.*"
_MIXTURES = "low|haze|rain|snow|low_haze|low_rain|low_snow|haze_rain|haze_snow|low_haze_rain|low_haze_snow"

OTHER = (
    Entry(
        name="reside-ots",
        title="RESIDE-OTS (beta)",
        task="dehazing",
        role="synthetic outdoor haze: training of DRDD",
        home=_RESIDE,
        licence="see its home page",
        parts=(
            Part(
                "",
                "pairs",
                72135,
                (
                    Pairs(
                        f"{{folder:part1|part2|part3|part4|haze|hazy}}/{_HAZY}",
                        "clear/{number:d}.*",
                        stem="{number}_{light}_{density}",
                    ),
                ),
            ),
        ),
        by_hand="download clear and the four parts of OTS (RESIDE-beta) through the links of its home page into one "
        "folder",
        note="35 hazy pictures of each of 2,061 clear ones; a later edition of OTS is larger.",
    ),
    Entry(
        name="sots",
        title="RESIDE-SOTS",
        task="dehazing",
        role="synthetic haze: test of DRDD (outdoor)",
        home=_RESIDE,
        licence="see its home page",
        parts=(
            Part(
                "outdoor",
                "pairs",
                None,
                tuple(Pairs(f"outdoor/hazy/{_HAZY}", f"outdoor/{clear}/{{number:d}}.*") for clear in ("gt", "clear")),
            ),
            Part(
                "indoor",
                "pairs",
                500,
                tuple(
                    Pairs("indoor/hazy/{number:d}_{level:d}.*", f"indoor/{clear}/{{number:d}}.*", border=10)
                    for clear in ("gt", "clear")
                ),
            ),
        ),
        by_hand="download SOTS through the links of its home page (unpack indoor.rar, if it is one) into a folder",
        note="Papers count 492 or 500 outdoor pairs. Indoor references lose their outermost 10 pixels, which the hazy "
        "pictures do not have. Hazy JPEG pictures are stored as PNG, under the name of their PNG reference.",
    ),
    Entry(
        name="lolv1",
        title="LOL (v1)",
        task="low light",
        role="real low light: training and test of DRDD",
        home="https://daooshee.github.io/BMVC2018website/",
        licence="see its home page",
        parts=(
            Part("train", "pairs", 485, (Pairs("our485/low/{name}.*", "our485/high/{name}.*"),)),
            Part("test", "pairs", 15, (Pairs("eval15/low/{name}.*", "eval15/high/{name}.*"),)),
        ),
        by_hand="download LOLdataset.zip through the links of its home page",
    ),
    Entry(
        name="ve-lol",
        title="VE-LOL-L (captured)",
        task="low light",
        role="real low light: training and test of DRDD with smaller sets (Fig. 5), beside LOL",
        home="https://flyywh.github.io/IJCV2021LowLight_VELOL/",
        licence="see its home page",
        parts=tuple(
            Part(
                split,
                "pairs",
                count,
                (
                    Pairs(
                        f"VE-LOL-L-Cap-Low_{split}/low{{number:d}}.*",
                        f"VE-LOL-L-Cap-Normal_{split}/normal{{number:d}}.*",
                    ),
                ),
            )
            for split, count in (("train", 400), ("test", 100))
        ),
        by_hand="download VE-LOL-L through the links of its home page",
        note="DRDD calls its 400 and 100 pairs synthetic; those are the numbers of the captured ones, of the synthetic "
        "ones there are 900 and 100.",
    ),
    *(
        Entry(
            name=name,
            title=name.upper(),
            task="low light",
            role="real low light not met in training (Table 11 of DRDD)",
            home=home,
            licence="see its home page",
            parts=(Part("", "images", count, (Images(f"{name.upper()}/{{name}}.*"),)),),
            by_hand=f"download the pictures and put them into a folder {name.upper()}",
            note=f"No references. {note}",
        )
        for name, home, count, note in (
            ("mef", "https://ece.uwaterloo.ca/~k29ma/", 17, "One dark exposure of each scene."),
            ("npe", "https://shuhangwang.wordpress.com/", None, "Papers take 8 to 85 of its pictures."),
            ("dicm", "https://mcl.korea.ac.kr/projects/LDR/", None, "Papers take 44 to 69 of its pictures."),
        )
    ),
    Entry(
        name="cdd-11",
        title="CDD-11",
        task="mixed degradations",
        role="low light, haze, rain, snow and their mixtures: training and test of DRDD",
        home="https://github.com/gy65896/OneRestore",
        licence="see its home page",
        parts=tuple(
            Part(
                split,
                "pairs",
                count,
                tuple(
                    Pairs(f"{folder}/{{degradation:{_MIXTURES}}}/{{name}}.*", f"{folder}/clear/{{name}}.*")
                    for folder in (f"CDD-11_{split}", split)
                ),
            )
            for split, count in (("train", 13013), ("test", 2200))
        ),
        by_hand="download CDD-11 through the links of its home page",
        note="DRDD states 20,790 and 2,310 pairs, the publisher 11 of each of 1,183 and 200 clear pictures.",
    ),
    Entry(
        name="uc-merced",
        title="UC Merced Land Use",
        task="denoising",
        role="aerial photographs that noise is added to (several domains of DRDD)",
        home="http://weegee.vision.ucmerced.edu/datasets/landuse.html",
        licence="see its home page",
        parts=tuple(
            Part(
                split,
                "images",
                count,
                (
                    Images(
                        f"UCMerced_LandUse/Images/{{land_use}}/{{land_use}}{{ten:{tens}}}{{one:d}}.*",
                        stem="{land_use}{ten}{one}",
                    ),
                ),
            )
            for split, count, tens in (("train", 1890, "0|1|2|3|4|5|6|7|8"), ("test", 210, "9"))
        ),
        files=(
            RemoteFile(
                "UCMerced_LandUse.zip",
                "http://weegee.vision.ucmerced.edu/datasets/UCMerced_LandUse.zip",
                size=332468434,
                checksum="sha256:06c539ef28703a58fb07bd2837991ac7c48b813b00bb12ac197efd813a18daeb",
            ),
        ),
        by_hand="download UCMerced_LandUse.zip from its home page",
        note="21 classes of 100 pictures. DRDD keeps 210 for testing and does not say which; here the last ten of each "
        "class.",
    ),
    Entry(
        name="brainweb",
        title="BrainWeb",
        task="denoising",
        role="simulated MRI slices that noise is added to (several domains of DRDD)",
        home="https://brainweb.bic.mni.mcgill.ca/",
        licence="see its home page",
        parts=tuple(
            Part(split, "images", None, (Slices("{name}.{kind:mnc|mnc.gz}", every=10, test=split == "test"),))
            for split in ("train", "test")
        ),
        by_hand="download simulated volumes in MINC format (.mnc or .mnc.gz) from its home page into a folder",
        note="Every slice of every volume becomes a 16-bit picture. DRDD has 521 and 58 slices and does not say of "
        "which volumes; here every tenth slice is for testing, whose neighbours train.",
    ),
    Entry(
        name="celeba-hq",
        title="CelebA-HQ",
        task="inpainting",
        role="faces: inpainting in DRDD",
        home="https://github.com/switchablenorms/CelebAMask-HQ",
        licence="non-commercial research",
        parts=(Part("", "images", 30000, (Images("CelebA-HQ-img/{name}.*"), Images("celeba_hq_256/{name}.*"))),),
        by_hand="download CelebAMask-HQ.zip through the links of its home page",
        note="The pictures are 1024x1024; DRDD uses 256x256.",
    ),
    Entry(
        name="ffhq",
        title="FFHQ",
        task="super-resolution",
        role="faces: super-resolution in DRDD (thumbnails)",
        home="https://github.com/NVlabs/ffhq-dataset",
        licence="CC BY-NC-SA 4.0",
        parts=(
            Part("images", "images", 70000, (Images("images1024x1024/**/{name}.*"),)),
            Part("thumbnails", "images", 70000, (Images("thumbnails128x128/**/{name}.*"),)),
        ),
        by_hand="run the download script of its home page with --thumbs (2 GB) or --images (89 GB)",
    ),
    *(
        Entry(
            name=f"edges2{objects}",
            title=f"Edges2{objects.capitalize()}",
            task="edges to objects",
            role=f"drawn edges of {objects} and their photographs: edges to objects in DRDD",
            home="https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix",
            licence="see its home page",
            parts=tuple(
                Part(part, "pairs", number, (Halves(f"edges2{objects}/{split}/{{name}}_AB.*"),))
                for part, split, number in (("train", "train", count), ("test", "val", 200))
            ),
            files=(
                RemoteFile(
                    f"edges2{objects}.tar.gz",
                    f"http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/edges2{objects}.tar.gz",
                ),
            ),
            by_hand=f"download edges2{objects}.tar.gz as its home page says",
            note="Of Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017; its folder "
            "val is for testing. The halves of a JPEG picture are stored as PNG.",
        )
        for objects, count in (("handbags", 138567), ("shoes", 49825))
    ),
)
