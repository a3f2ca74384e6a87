import scenes
import torch


def test_scenes_repeat_and_fit():
    images, labels, boxes = scenes.draw(20, 32, seed=5)
    again, same_labels, same_boxes = scenes.draw(20, 64, seed=5)
    assert images.shape == (20, 3, 32, 32) and images.dtype == torch.float32
    assert labels.dtype == torch.int64 and boxes.dtype == torch.float32
    assert torch.equal(labels, same_labels) and torch.equal(boxes, same_boxes)
    assert torch.equal(images, scenes.draw(20, 32, seed=5)[0])
    assert boxes.min() >= 0 and boxes.max() <= 1 and (boxes[:, 2:] > boxes[:, :2]).all()
    assert scenes.to_rgb(images).shape == (20, 32, 32, 3)


def test_box_is_tight():
    size, scene = 128, scenes.sample(40, seed=9)
    before = scenes.render(scene, size)
    scene["colours"][:, -1] = 1 - scene["colours"][:, -1]
    changed = (scenes.render(scene, size) - before).abs().amax(1) > 0.01
    for pixels, box in zip(changed, scene["boxes"]):
        y, x = pixels.nonzero().T
        seen = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1]) / size
        assert (seen - box).abs().max() < 2.5 / size


def test_distractors_keep_off_the_letter():
    scene = scenes.sample(200, seed=8)
    bars, thick = scene["bars"], scene["thick"][..., None]
    low = torch.minimum(bars[..., :2], bars[..., 2:]) - thick
    high = torch.maximum(bars[..., :2], bars[..., 2:]) + thick
    box = scene["boxes"][:, None]
    apart = ((high < box[..., :2]) | (low > box[..., 2:])).any(-1)
    assert (apart | (scene["thick"] < 0)).all()
