"""The worlds that every text test is run in: the same steps and the same answers under other conditions."""

import copy
from dataclasses import dataclass, field

import yaml


@dataclass
class World:
    name: str
    after_step: str = None                       # restart or kill, after every step that talks to the lake
    deliver: bool = False                        # each record is a batch of its own and delivered before the next
    lake: dict = field(default_factory=dict)     # merged under the lake file
    needs_columns: bool = False                  # only lakes whose streams all declare their columns

    def lake_text(self, text):
        """The lake file as this world has it. A file that says something itself is right."""
        if not self.lake:
            return text
        return yaml.safe_dump(merged(yaml.safe_load(text) or {}, self.lake), sort_keys=False)

    def reason_to_skip(self, test):
        if self.name in test.skips:
            return test.skips[self.name]
        if self.needs_columns and not all_declared(test.steps[0].text):
            return "a stream leaves its columns to inference"
        return None


def merged(over, under):
    result = copy.deepcopy(over)
    for key, value in under.items():
        if isinstance(value, dict):
            result[key] = merged(result.get(key) or {}, value)
        else:
            result.setdefault(key, value)
    return result


def all_declared(text):
    streams = (yaml.safe_load(text) or {}).get("streams") or {}
    return all((stream or {}).get("columns") for stream in streams.values())


WORLDS = {world.name: world for world in [
    World("plain"),
    World("restart", after_step="restart"),
    World("kill", after_step="kill"),
    World("deliver", deliver=True, lake={"defaults": {"deliver": {"every": {"age": "1ms"}}}}),
    World("tiny", lake={
        "settings": {"memory": "256MiB", "threads": 2, "queries_max": 2,
                     "log": {"segment": "64KiB", "unsynced_max": "1MiB"}, "http": {"workers": 2, "queue_max": 4}},
        "defaults": {"deliver": {"every": {"size": "4KiB"}}}}),
    World("inference-off", needs_columns=True, lake={"defaults": {"infer": False}}),
    World("shards", lake={"defaults": {"shards": 4}}),
]}
