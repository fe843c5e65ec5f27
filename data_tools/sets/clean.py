"""Clean photographs: sources of synthetic noise, and test sets for it."""

from data_tools.entries import Cut, Entry, Part, RemoteFile
from data_tools.layouts import Images

# The 68 pictures of Roth and Black, Fields of Experts (IJCV 2009), all of them in BSDS500's val.
CBSD68 = frozenset(
    """
    3096 12084 14037 16077 19021 21077 24077 33039 101085 101087 102061 103070 105025 106024 108005 108070 108082 109053
    119082 123074 126007 130026 134035 143090 145086 147091 148026 148089 157055 159008 160068 163085 167062 167083
    170057 175032 175043 182053 189080 196073 197017 208001 210088 216081 219090 220075 223061 227092 229036 236037
    241004 241048 253027 253055 260058 271035 285079 291000 295087 296007 296059 299086 300091 302008 304034 304074
    306005 351093
    """.split()
)

_BSDS500 = RemoteFile(
    "BSDS500-a04b7c6.zip",
    "https://github.com/BIDS/BSDS500/archive/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722.zip",
)
_BSDS500_HOME = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html"
_BSDS500_LICENCE = "non-commercial research and education"
_BSDS500_BY_HAND = "download BSR_bsds500.tgz from its home page"

_FFDNET = RemoteFile(
    "FFDNet-e787f46.zip",
    "https://github.com/cszn/FFDNet/archive/e787f46df2f374ff3591186706229cb9a0591fea.zip",
)

_DENOISING_SOURCE = "clean photographs that AWGN is added to: source domain of Noise-DA"
_BOTH = f"{_DENOISING_SOURCE}, training of DRDD"
_CUT = Cut(size=512, overlap=96, larger_than=800)

CLEAN = (
    Entry(
        name="div2k",
        title="DIV2K",
        task="denoising",
        role=_DENOISING_SOURCE,
        home="https://data.vision.ee.ethz.ch/cvl/DIV2K/",
        licence="academic research only",
        parts=(
            Part("train", "images", 800, (Images("DIV2K_train_HR/{name}.*"),)),
            Part("valid", "images", 100, (Images("DIV2K_valid_HR/{name}.*"),)),
        ),
        files=(
            RemoteFile(
                "DIV2K_train_HR.zip",
                "https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip",
                size=3530603713,
                checksum="sha256:9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
                parts=("train",),
            ),
            RemoteFile(
                "DIV2K_valid_HR.zip",
                "https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",
                size=448993893,
                checksum="sha256:20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
                parts=("valid",),
            ),
        ),
        by_hand="download DIV2K_train_HR.zip and DIV2K_valid_HR.zip from its home page",
        note="Papers train on the 800 pictures of train only.",
        cut=_CUT,
    ),
    Entry(
        name="flickr2k",
        title="Flickr2K",
        task="denoising",
        role=_DENOISING_SOURCE,
        home="https://github.com/limbee/NTIRE2017",
        licence="none stated; photographs from Flickr",
        parts=(Part("", "images", 2650, (Images("Flickr2K_HR/{name}.*"), Images("Flickr2K/{name}.*"))),),
        files=(
            RemoteFile(
                "Flickr2K.tar",
                "https://cv.snu.ac.kr/research/EDSR/Flickr2K.tar",
                checksum="md5:5d3f39443d5e9489bff8963f8f26cb03",
            ),
        ),
        by_hand="download Flickr2K.tar as its home page says",
        note="The archive also has downscaled versions; only the full pictures are kept.",
        cut=_CUT,
    ),
    Entry(
        name="wed",
        title="WED (Waterloo Exploration Database)",
        task="denoising",
        role=_BOTH,
        home="https://ece.uwaterloo.ca/~k29ma/exploration/",
        licence="see its home page",
        parts=(
            Part(
                "",
                "images",
                4744,
                (
                    Images("pristine_images/{name}.*"),
                    Images("WaterlooED/{name}.*"),
                    Images("WED/{name}.*"),
                    Images("/{name}.bmp"),
                ),
            ),
        ),
        by_hand="download exploration_database_and_code.rar from its home page and unpack it",
        cut=_CUT,
    ),
    Entry(
        name="bsds500",
        title="BSDS500",
        task="denoising",
        role="clean photographs; val holds CBSD68",
        home=_BSDS500_HOME,
        licence=_BSDS500_LICENCE,
        parts=(
            Part("train", "images", 200, (Images("images/train/{name}.*"), Images("/train/{name:d}.*"))),
            Part("val", "images", 100, (Images("images/val/{name}.*"), Images("/val/{name:d}.*"))),
            Part("test", "images", 200, (Images("images/test/{name}.*"), Images("/test/{name:d}.*"))),
        ),
        files=(_BSDS500,),
        by_hand=_BSDS500_BY_HAND,
        note="The clean pictures of Rain100L and of other synthetic rain sets are from here: leave them out of "
        "training before measuring on rain.",
    ),
    Entry(
        name="bsd400",
        title="BSD400 (train and test of BSDS500)",
        task="denoising",
        role=_BOTH,
        home=_BSDS500_HOME,
        licence=_BSDS500_LICENCE,
        parts=(
            Part(
                "",
                "images",
                400,
                (
                    Images("images/{split:train|test}/{name}.*", stem="{name}"),
                    Images("/{split:train|test}/{name:d}.*", stem="{name}"),
                ),
            ),
        ),
        files=(_BSDS500,),
        by_hand=_BSDS500_BY_HAND,
        note="Shares no picture with CBSD68.",
        cut=_CUT,
    ),
    Entry(
        name="cbsd68",
        title="CBSD68",
        task="denoising",
        role="clean photographs to test AWGN removal on",
        home=_BSDS500_HOME,
        licence=_BSDS500_LICENCE,
        parts=(
            Part(
                "",
                "images",
                68,
                (
                    Images("images/val/{name}.*", names=CBSD68),
                    Images("CBSD68/{name}.*", names=CBSD68),
                    Images("/val/{name:d}.*", names=CBSD68),
                ),
            ),
        ),
        files=(_BSDS500,),
        by_hand=_BSDS500_BY_HAND,
    ),
    Entry(
        name="kodak24",
        title="Kodak24 (500x500 crops)",
        task="denoising",
        role="clean photographs to test AWGN removal on",
        home="https://r0k.us/graphics/kodak/",
        licence="released by Kodak for unrestricted use",
        parts=(
            Part(
                "",
                "images",
                24,
                (Images("testsets/Kodak24/{name}.*"), Images("kodim{number:d}.*", stem="kodim{number}")),
            ),
        ),
        files=(_FFDNET,),
        by_hand="download the pictures kodim01.png to kodim24.png",
        note="The download has the 500x500 crops that denoising papers use; the home page has the 768x512 originals.",
    ),
    Entry(
        name="mcmaster",
        title="McMaster",
        task="denoising",
        role="clean photographs to test AWGN removal on",
        home="https://www4.comp.polyu.edu.hk/~cslzhang/CDM_Dataset.htm",
        licence="see its home page",
        parts=(Part("", "images", 18, (Images("testsets/McMaster/{name}.*"), Images("McM/{name}.*"))),),
        files=(_FFDNET,),
        by_hand="download McM.zip from its home page and unpack it with the password given there",
    ),
    Entry(
        name="urban100",
        title="Urban100",
        task="denoising",
        role="clean photographs of buildings to test AWGN removal on",
        home="https://github.com/jbhuang0604/SelfExSR",
        licence="none stated; photographs from Flickr",
        parts=(Part("", "images", 100, (Images("Urban100_HR/{name}.*"), Images("image_SRF_4/{name}_SRF_4_HR.*"))),),
        files=(
            RemoteFile(
                "Urban100_HR.tar.gz",
                "https://huggingface.co/datasets/eugenesiow/Urban100/resolve/main/data/Urban100_HR.tar.gz",
                checksum="md5:65d9d84a34b72c6f7ca1e26a12df1e4c",
            ),
        ),
        by_hand="download Urban100_SR.zip as its home page says",
    ),
    Entry(
        name="coco",
        title="MS-COCO",
        task="clean photographs",
        role="clean photographs for the unpaired extension of Noise-DA",
        home="https://cocodataset.org/",
        licence="photographs under Flickr's terms of use",
        parts=tuple(
            Part(split, "images", count, (Images(f"{split}2017/{{name}}.*"),))
            for split, count in (("train", 118287), ("val", 5000), ("test", 40670), ("unlabeled", 123403))
        ),
        files=(
            RemoteFile(
                "train2017.zip",
                "http://images.cocodataset.org/zips/train2017.zip",
                size=19336861798,
                checksum="sha256:69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
                parts=("train",),
            ),
            RemoteFile(
                "val2017.zip",
                "http://images.cocodataset.org/zips/val2017.zip",
                size=815585330,
                checksum="sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
                parts=("val",),
            ),
            RemoteFile(
                "test2017.zip",
                "http://images.cocodataset.org/zips/test2017.zip",
                size=6646970404,
                checksum="sha256:c7908c3c9f94ba2f3340ebbeec58c25db6be8774f18d68c2f15d0e369d95baba",
                parts=("test",),
            ),
            RemoteFile(
                "unlabeled2017.zip", "http://images.cocodataset.org/zips/unlabeled2017.zip", parts=("unlabeled",)
            ),
        ),
        by_hand="download the 2017 image archives from its home page",
    ),
)
