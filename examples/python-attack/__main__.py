"""What the executable file runs."""

from attack import ATTACK
from cmedplugin import serve

serve(ATTACK)
