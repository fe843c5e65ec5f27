"""The catalogue's entries, one module a field. A new data set is one more `Entry` in one of them."""

from data_tools.sets.clean import CLEAN
from data_tools.sets.noise import NOISE
from data_tools.sets.other import OTHER
from data_tools.sets.weather_and_blur import WEATHER_AND_BLUR

ENTRIES = (*CLEAN, *NOISE, *WEATHER_AND_BLUR, *OTHER)
