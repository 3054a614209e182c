"""An attack as people wrote them for the Chaos Monkey Engine."""

import logging
import time

from chaosmonkey.attacks import Attack

log = logging.getLogger(__name__)


class MyAttack(Attack):
    """Says a name some times, and how often it did in the end."""

    ref = "my_attack:MyAttack"

    schema = {
        "type": "object",
        "properties": {
            "ref": {"type": "string"},
            "name": {"type": "string", "description": "What is said"},
            "times": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "How often, once a second"}
        },
        "required": ["ref", "name"],
        "additionalProperties": False
    }

    example = {
        "ref": "my_attack:MyAttack",
        "name": "attack1"
    }

    def __init__(self, attack_config):
        super(MyAttack, self).__init__(attack_config)

    def run(self):
        said = 0
        try:
            for _ in range(self.attack_config.get("times", 1)):
                if said:
                    time.sleep(1)
                print("hello,", self.attack_config["name"])
                said += 1
        finally:
            log.info("said it %d times", said)
        return {"said": said}

    @staticmethod
    def to_dict():
        return Attack._to_dict(MyAttack.ref, MyAttack.schema, MyAttack.example)
