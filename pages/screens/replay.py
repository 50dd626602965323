"""Replay: what would another policy have decided?"""

from pages.components.common.obstacle import show_obstacle
from pages.components.replay.replay import show_replay

show_obstacle()
show_replay()
