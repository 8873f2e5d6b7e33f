from stages.metrics.agreement import tone_agreement


def test_one_and_two_are_one_tone_and_four_and_five_another():
    told = tone_agreement(asked=[1, 2, 4, 5, 3], heard=[2, 1, 5, 4, 3])
    assert (told["value"], told["n"]) == (1.0, 5)


def test_three_is_a_tone_of_its_own():
    assert tone_agreement(asked=[3, 2, 4, 5], heard=[2, 3, 3, 4])["value"] == 0.25
