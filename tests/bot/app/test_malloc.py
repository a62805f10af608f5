from bot.app.malloc import return_freed


def test_a_system_that_cannot_give_memory_back_is_left_alone(monkeypatch):
    asked = []

    def library(name):
        asked.append(name)
        raise OSError("no such library")

    return_freed()
    monkeypatch.setattr("ctypes.CDLL", library)
    return_freed()
    assert asked == [None]
