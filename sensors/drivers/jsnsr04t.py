"""JSN-SR04T waterproof ultrasonic ranger: an HC-SR04's two lines behind a sealed head that is blind up close.

Maker's sheet (JSN-SR04T-2.0, mode 0): 25 cm to 4.5 m, the rest as HC-SR04. Nearer than 25 cm its head still
rings, and it answers with any distance: so mount it 30 cm above the fullest waste. Below, a value is
doubted.
"""

from typing import ClassVar

from sensors.drivers.hcsr04 import Hcsr04


class Jsnsr04t(Hcsr04):
    """One JSN-SR04T on two GPIO lines; its echo line is 5 V and needs a divider too."""

    NEAREST_M: ClassVar[float] = 0.25
    FARTHEST_M: ClassVar[float] = 4.5
