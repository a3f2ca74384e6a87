import scenes
import torch
import train_vit


def test_trained_model_is_whole():
    model = train_vit.load_trained()
    assert not model.training
    assert train_vit.WEIGHTS.stat().st_size < 3_000_000
    assert model.state_dict().keys() == train_vit.build().state_dict().keys()
    assert torch.equal(train_vit.build(seed=1).head.weight, train_vit.build(seed=1).head.weight)
    images, labels, _ = scenes.draw(200, train_vit.SIZE, seed=77)
    accuracy, loss = train_vit.evaluate(model, images, labels)
    assert accuracy > 0.8 and loss < 0.6


def test_training_starts_the_same_way_each_time():
    first, second = [train_vit.train(train_vit.build(), until=3, batch=4) for _ in range(2)]
    assert first == second
