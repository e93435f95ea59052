import json
import unittest

import service


def call(method: str, path: str, body: str = "") -> tuple[int, dict]:
    status, _, answer = service.answer(method, path, body.encode())
    return status, json.loads(answer)


class Greetings(unittest.TestCase):
    def test_people_are_greeted_by_their_names(self):
        self.assertEqual(call("GET", "/Ann"), (200, {"greeting": "Hello, Ann!"}))
        self.assertEqual(call("GET", "/"), (200, {"greeting": "Hello, world!"}))

    def test_people_are_greeted_as_they_like(self):
        answer = call("POST", "/Ann", '{"words":"Good morning"}')
        self.assertEqual(answer, (200, {"greeting": "Good morning, Ann!"}))
        for body in ["{", "5", "{}", '{"words":5}']:
            self.assertEqual(call("POST", "/Ann", body)[0], 400, body)
        self.assertEqual(call("DELETE", "/Ann")[0], 405)
