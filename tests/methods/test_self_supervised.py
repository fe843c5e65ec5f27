"""The self-supervised and unsupervised rivals."""

import functools
from itertools import pairwise

import numpy as np
import pytest
import support.methods
import torch
from support.methods import batch_of, descend, gradients, small_recipe

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.methods.random_numbers import RandomNumbers
from workbench.nets.blind_spot import shuffle_down, shuffle_up
from workbench.restore import restore_array
from workbench.restorers import Restorer
from workbench.training import fit

build = functools.partial(support.methods.build, awake=())


def test_draws_are_a_function_of_the_seeds_and_go_on():
    seeds = torch.tensor([3, 2**62, 7])
    first, again = RandomNumbers(seeds), RandomNumbers(seeds)
    drawn = first.uniform(2, 5)
    assert drawn.shape == (3, 2, 5)
    assert torch.equal(drawn, again.uniform(2, 5))
    assert not torch.equal(first.uniform(2, 5), drawn)
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(RandomNumbers(seeds[1:]).uniform(2, 5), drawn[1:]), "a process that has a share of a batch"
    assert RandomNumbers(seeds).integers(3, 100).unique().tolist() == [0, 1, 2]


def test_neighbor2neighbor_follows_the_paper():
    module = build("neighbor2neighbor")
    batch = batch_of(module)
    assert set(batch) == {"target", "seed"}, "needs no source"
    module.restorer.forward = lambda image, window=None: torch.full_like(image, 0.5)
    start = module.losses(batch, 0)["loss"]
    # A constant has no difference between neighbours: what is left of Eq. 8 is twice the error, times the weight.
    middle = module.losses(batch, module.total_steps // 2)["loss"]
    assert middle == pytest.approx(2 * start.item(), rel=1e-5)
    assert module.weight(module.total_steps) == 2.0 == module.options.gamma


def test_neighbor2neighbor_takes_two_different_neighbours_of_every_cell():
    from workbench.methods.neighbor2neighbor import _masks

    first, second = (mask.view(-1, 4) for mask in _masks(RandomNumbers(torch.arange(5)), 1, 8, 6))
    assert first.shape == (5 * 4 * 3, 4)
    assert (first.sum(1) == 1).all() and (second.sum(1) == 1).all()
    distance = (first.int().argmax(1) - second.int().argmax(1)).abs()
    assert distance.unique().tolist() == [1, 2], "never the diagonal"
    assert not ((first.int().argmax(1) + second.int().argmax(1)) == 3).any()


def test_neighbor2neighbor_wants_even_patches():
    for stride, size in ((1, 17), (2, 18)):
        with pytest.raises(WorkbenchError, match=f"must be a multiple of {2 * stride}"):
            build(
                "neighbor2neighbor", "restorer={name: unet-pocket, width: 4, depth: 1}", f"training.patch_size={size}",
                f"options.neighbor2neighbor.stride={stride}",
            )  # fmt: skip


def test_neighbor2neighbor_with_a_stride_learns_and_restores_every_nth_pixel():
    module = build("neighbor2neighbor", "options.neighbor2neighbor.stride=2")
    batch, seen = batch_of(module), []
    restore = module.restorer.forward
    module.restorer.forward = lambda image, window=None: seen.append(image) or restore(image)
    module.losses(batch, 0)
    assert any(torch.equal(image, shuffle_down(batch["target"], 2)) for image in seen), "Eq. 8 sees whole parts"
    picture = batch["target"][:1]
    restorer = module.exported()
    parts = module.averaged.module(shuffle_down(picture, 2))
    with torch.no_grad():
        assert torch.allclose(restorer(picture), shuffle_up(parts, 2), atol=1e-6)
    assert build("neighbor2neighbor", "options.neighbor2neighbor.stride=1").exported().kind == "one-pass"


def test_neighbor2neighbor_denoises_white_noise_without_clean_images(tmp_path):
    settings = (
        "restorer.width=8", "data.target=synthetic", "data.sigma=[25, 25]", "training.max_steps=200",
        "training.batch_size=8", "training.patch_size=32", "training.learning_rate=0.003",
        "training.validate_every=1000", "training.checkpoint_every=1000", "training.ema_decay=0.95",
    )  # fmt: skip
    scalars = fit(small_recipe("neighbor2neighbor", *settings), tmp_path).scalars()
    start, end = scalars[scalars.tag == "validation/source_psnr"].value
    assert end > start + 2.5


@pytest.fixture(params=[0, 2], ids=["plain", "mean skip"])
def blind(request):
    torch.manual_seed(0)
    return nets.build("ap-bsn-pocket", width=8, modules=2, mean_skip=request.param).eval()


@pytest.mark.parametrize("way", ["whole", "downsampled"])
def test_the_blind_spot_is_blind(blind, way):
    image = torch.rand(1, 3, 23, 25, requires_grad=True)
    restored = blind(image) if way == "whole" else blind.downsampled(image, blind.train_stride)
    for row, column in ((11, 12), (0, 0), (22, 7)):
        (gradient,) = torch.autograd.grad(restored[0, :, row, column].sum(), image, retain_graph=True)
        assert (gradient[0, :, row, column] == 0).all(), "a pixel changes its own prediction"
        assert (gradient != 0).sum() > 30, "but others do"


def test_the_mean_skip_is_that_of_the_pixels_around_and_has_no_weights():
    torch.manual_seed(0)
    plain, skipping = (nets.build("ap-bsn-pocket", width=8, modules=2, mean_skip=radius) for radius in (0, 1))
    skipping.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 5, 6)
    added = skipping(image) - plain(image)
    around = image[..., 1:4, 2:5].sum(dim=(-2, -1)) - image[..., 2, 3]
    assert torch.allclose(added[..., 2, 3], around / 8, atol=1e-6)
    corner = (image[..., 0, 1] + image[..., 1, 0] + image[..., 1, 1]) / 3
    assert torch.allclose(added[..., 0, 0], corner, atol=1e-6), "pixels beyond the picture do not count"
    flat = torch.full((1, 3, 4, 4), 0.7)
    assert torch.allclose(skipping(flat) - plain(flat), flat, atol=1e-6)


def test_pixel_shuffle_downsampling_takes_every_nth_pixel_and_is_undone():
    images = torch.rand(2, 3, 10, 15)
    parts = shuffle_down(images, 5)
    assert torch.equal(parts[25 + 5 * 2 + 4], images[1, :, 2::5, 4::5])
    assert torch.equal(shuffle_up(parts, 5), images)


def test_ap_bsn_is_asymmetric_and_refines(blind):
    image, restorer, traced = torch.rand(1, 3, 20, 20), Restorer.of(blind), {}
    assert restorer.kind == "blind-spot" and blind.train_stride == 5
    refined = restorer(image, trace=traced.__setitem__)
    assert torch.equal(refined, restorer(image)), "reproducible"
    with torch.no_grad():
        first = blind.downsampled(image, 2)
        assert torch.equal(traced["first"], first)
        assert torch.equal(restorer.with_options({"refinements": 0})(image), first)
        plain = restorer.with_options({"refinements": 3, "replaced": 0.0})(image)
        assert torch.allclose(plain, blind(first), atol=1e-6)
        assert not torch.allclose(refined, plain, atol=1e-4)


def test_the_refinement_replaces_the_share_it_says():
    from workbench.restorers.blind_spot import scattered

    numbers = torch.stack([scattered(torch.Size((3, 64, 64)), 5, 9, draw, torch.device("cpu")) for draw in range(8)])
    assert (numbers < 0.16).float().mean() == pytest.approx(0.16, abs=0.005)
    assert np.corrcoef(numbers.flatten(1).numpy())[np.triu_indices(8, 1)].max() < 0.03
    neighbours = np.corrcoef(numbers[..., :-1].flatten().numpy(), numbers[..., 1:].flatten().numpy())[0, 1]
    assert abs(neighbours) < 0.02


def test_ap_bsn_restores_in_tiles_what_it_restores_at_once(blind):
    image = np.random.default_rng(0).random((71, 90, 3), np.float32)
    whole, tiled = restore_array(blind, image), restore_array(blind, image, tile=24)
    assert np.abs(whole - tiled).max() < 1e-5


def test_ap_bsn_brings_its_network_and_trains_as_long_as_the_others():
    warm = "warm_start={max_steps: 30, batch_size: 2, patch_size: 24, learning_rate: 0.01, validate_every: 15}"
    resolved = METHODS["ap-bsn"].resolve(small_recipe("ap-bsn", warm))
    assert resolved.restorer.name == "ap-bsn-pocket" and resolved.warm_start is None
    assert resolved.restorer.overrides == {"mean_skip": 1}
    assert resolved.training.max_steps == 38 and resolved.training.patch_size == 24
    assert resolved.training.validate_every == 15, "validating does not take more of its time than of the others'"
    assert METHODS["ap-bsn"].resolve(resolved) == resolved
    assert METHODS["ap-bsn"](small_recipe("ap-bsn", warm)).exported().options.stride == 2
    with pytest.raises(WorkbenchError, match="unet-pocket is no network of the kind .blind-spot."):
        build("ap-bsn", "options.ap-bsn.network={name: unet-pocket}")


def test_ap_bsn_learns_to_predict_noisy_images():
    module = build("ap-bsn", "training.patch_size=40", "options.ap-bsn.network={name: ap-bsn-pocket}")
    losses = descend(module, 40, learning_rate=0.003)["loss"]
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])


def test_masked_training_hides_the_share_it_says():
    from workbench.methods.masked import mask_pixels

    images = torch.rand(6, 3, 50, 50)
    masked = mask_pixels(images, (0.8, 0.9), RandomNumbers(torch.arange(6)))
    hidden = masked == -0.1
    assert torch.equal(hidden[:, 0], hidden[:, 2]), "all colours together"
    shares = hidden.float().mean(dim=(1, 2, 3))
    assert shares.min() > 0.77 and shares.max() < 0.93 and shares.std() > 0.01
    assert torch.equal(masked[~hidden], images[~hidden])
    images = torch.rand(200, 3, 8, 8)
    half = mask_pixels(images, (0.4, 0.6), RandomNumbers(torch.arange(200)), unmasked=0.5)
    whole = (half == images).flatten(1).all(dim=1)
    assert 70 < whole.sum() < 130 and (half[~whole] == -0.1).float().mean() == pytest.approx(0.5, abs=0.05)


def test_masked_training_asks_for_the_whole_clean_image():
    module = build("masked", "options.masked.input_mask=[0.8, 0.9]", "options.masked.unmasked=0")
    batch = batch_of(module)
    assert "target" not in batch
    seen = []
    module.restorer.forward = lambda image, window=None: seen.append(image) or batch["clean"] + 0.25
    assert module.losses(batch, 0)["loss"] == pytest.approx(0.25)
    assert (seen[0] == -0.1).float().mean() > 0.75


def test_attention_is_masked_in_training_and_after_it():
    torch.manual_seed(0)
    restorer = nets.build("swinir-masked-pocket", depths=(2,), heads=(3,), window=4).eval()
    image = torch.rand(1, 3, 8, 8)
    seen = []
    attention = next(module for name, module in restorer.network.named_modules() if name.endswith("attn"))
    attention.qkv.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        restored = restorer(image)
        assert torch.equal(restored, restorer(image)), "reproducible"
        assert torch.equal(restored, Restorer.of(restorer)(image)), "the masks of validation and of the file"
        assert not torch.equal(restored, Restorer.of(restorer, options={"seed": 1})(image))
    hidden = (seen[0] == 0).all(dim=-1).float().mean()
    assert 0.6 < hidden < 0.9
    module = build("masked", "restorer={name: swinir-masked-pocket, depths: [2], heads: [3], drop_path: 0}")
    batch = batch_of(module)
    first = module.losses(batch, 0)["loss"]
    assert torch.equal(first, module.losses(batch, 0)["loss"])
    module.averaged.module.eval()(image)
    batch["seed"] = batch["seed"] + 1
    assert not torch.equal(first, module.losses(batch, 0)["loss"])


def test_self_collaboration_puts_on_clean_pictures_what_its_copy_took_out():
    module = build("self-collaboration", "options.self-collaboration.softness=0")
    batch, seen = batch_of(module), []
    module.extractor.forward = lambda image, window=None: image - 0.125
    clean, target = batch["clean"], batch["target"]
    wanted = torch.cat([clean, clean, target - 0.125])
    module.restorer.forward = lambda image, window=None: seen.append(image) or wanted + 0.25
    losses = module.losses(batch, 0)
    assert torch.allclose(seen[0], torch.cat([batch["degraded"], clean + 0.125, target]), atol=1e-6)
    assert set(losses) == {"loss", "restoration", "unpaired_synthesis", "self_synthesis"}
    assert losses["loss"].item() == pytest.approx(0.75, abs=1e-3), "what it has to give back has none of the noise"


def test_self_collaboration_replaces_its_copy_after_each_period(tmp_path):
    copies, method = [], METHODS["self-collaboration"]

    class Watched(method):
        def losses(self, batch, step):
            copies.append(torch.cat([p.flatten().clone() for p in self.extractor.parameters()]))
            assert not any(p.requires_grad for p in self.extractor.parameters())
            return super().losses(batch, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "self-collaboration", Watched)
        fit(small_recipe("self-collaboration", "training.max_steps=5"), tmp_path)
    assert [not torch.equal(one, other) for one, other in pairwise(copies[:5])] == [False, True, False, True]


def test_self_collaboration_sets_restorer_and_discriminator_against_each_other():
    module = build("self-collaboration", "options.self-collaboration.adversarial=1")
    assert [group["name"] for group in module.extra_parameters()] == ["critic"]
    losses = module.losses(batch_of(module), 0)
    losses["critic"].backward(retain_graph=True)
    assert gradients(module.restorer).abs().sum() == 0 and gradients(module.critic).abs().sum() > 0
    module.zero_grad()
    losses["fooling"].backward()
    assert gradients(module.restorer).abs().sum() > 0 and gradients(module.critic).abs().sum() == 0


def unit(*shape):
    return torch.nn.functional.normalize(torch.randn(*shape), dim=-1)


def test_layer_contrast_falls_when_layers_are_told_apart():
    from workbench.methods.nlcl import layer_contrast

    torch.manual_seed(0)
    first, second = torch.eye(4)[0], torch.eye(4)[1]
    apart = layer_contrast(first.expand(2, 3, 4), second.expand(2, 6, 4), 0.07)
    mixed = layer_contrast(unit(2, 3, 4), unit(2, 6, 4), 0.07)
    same = layer_contrast(first.expand(2, 3, 4), first.expand(2, 6, 4), 0.07)
    # All alike: every patch is as near to each of the 8 others.
    assert same == pytest.approx(np.log(8), abs=1e-5)
    # Told apart: 3 patches have 2 others of their layer to choose from, 6 have 5.
    assert apart == pytest.approx((3 * np.log(2) + 6 * np.log(5)) / 9, abs=1e-4)
    assert apart < same < mixed


def test_location_contrast_falls_when_places_are_found():
    from workbench.methods.nlcl import location_contrast

    torch.manual_seed(0)
    given = unit(2, 20, 16)
    assert location_contrast(given, given, 0.07) < 0.1
    assert location_contrast(given, given.roll(1, dims=1), 0.07) > 3


def test_alike_places_are_the_most_similar_ones():
    from workbench.methods.nlcl import alike, by_position

    features = torch.zeros(1, 2, 4, 4)
    features[:, 0, :2], features[:, 1, 2:] = 1.0, 1.0
    assert torch.equal(by_position(features)[0, 5], features[0, :, 1, 1])
    for seed in range(5):
        found = alike(by_position(features), 8, RandomNumbers(torch.tensor([seed])))[0].sort().values.tolist()
        assert found in (list(range(8)), list(range(8, 16)))
    assert alike(by_position(features), 128, RandomNumbers(torch.tensor([0]))).shape == (1, 16)


def test_nlcl_takes_a_picture_apart_and_holds_its_discriminator():
    module = build("nlcl")
    batch = batch_of(module)
    assert "degraded" not in batch, "no synthetic rain"
    losses = module.losses(batch, 0)
    losses["discriminator"].backward(retain_graph=True)
    assert gradients(module.restorer).abs().sum() == 0 and gradients(module.discriminator).abs().sum() > 0
    module.zero_grad()
    (losses["loss"] - losses["discriminator"]).backward()
    assert gradients(module.discriminator).abs().sum() == 0
    for network in (module.restorer, module.rain, module.projections):
        assert gradients(network).abs().sum() > 0
    # 1 stands for a clean photograph: what the discriminator is to say of one, and what the background is to be called
    with torch.no_grad():
        made, clean = (module.discriminator(each)[1] for each in (module.restorer(batch["target"]), batch["unpaired"]))
    assert losses["adversarial"].item() == pytest.approx((made - 1).square().mean().item(), rel=1e-4)
    truth = 0.5 * (made.square().mean() + (clean - 1).square().mean())
    assert losses["discriminator"].item() == pytest.approx(truth.item(), rel=1e-4)
    # Background and rain that add up to the input
    module.restorer.forward = lambda image, window=None: 0.75 * image
    module.rain.forward = lambda image, window=None: 0.75 * image
    losses = module.losses(batch, 0)
    assert losses["reconstruction"] < 1e-10
    assert losses["fidelity"] == pytest.approx(0.25 * batch["target"].mean().item(), rel=1e-4)


def test_nlcl_lowers_its_losses():
    history = descend(build("nlcl"), 25, learning_rate=0.001)
    for name in ("loss", "location", "layer"):  # background and rain add up to the input from the start
        assert sum(history[name][-5:]) < sum(history[name][:5]), name


def test_nlcl_wants_patches_with_places_to_compare():
    with pytest.raises(WorkbenchError, match="patches at least 16 wide"):
        build("nlcl", "training.patch_size=8")
