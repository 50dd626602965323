"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excitation, with ReLU6.

Written here because torchvision has none; the names of its parts are those of the published weights.
"""

from torch import Tensor, nn

EPSILON = 1e-3  # of the batch norms, as the weights were trained with
STEM_WIDTH = 32
# How many blocks of a stage, their kernel, the stride of the first, how far channels are expanded, and channels out.
LITE_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class InvertedResidual(nn.Module):
    """A 1×1 expansion, a convolution of each channel alone and a 1×1 projection; a shortcut where shapes agree."""

    def __init__(self, channels_in: int, channels_out: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expands = expansion != 1
        self.shortcut = stride == 1 and channels_in == channels_out
        if self.expands:
            self._expand_conv = nn.Conv2d(channels_in, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, EPSILON)
        self._depthwise_conv = nn.Conv2d(inner, inner, kernel, stride, kernel // 2, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, EPSILON)
        self._project_conv = nn.Conv2d(inner, channels_out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(channels_out, EPSILON)
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.relu(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = self.relu(self._bn1(self._depthwise_conv(inner)))
        projected: Tensor = self._bn2(self._project_conv(inner))
        return projected + maps if self.shortcut else projected


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 without its classifier: (N, 3, H, W) RGB in [-1, 1] to (N, 320, H/32, W/32).

    Block 4 has 40 channels at stride 8, block 10 has 112 at stride 16, and block 14 has 192 at stride 32.

    Maps are padded alike on all sides. The weights come from TensorFlow, which pads one pixel more to the right and to
    the bottom at stride 2; with that, an SVM on clothing (540 photos to learn from, 180 to test) was no better in any
    pooling and worse in five folds of the first (0.937 to 0.967, against 0.967 to 0.978), and padding on its own takes
    a third more time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, STEM_WIDTH, 3, 2, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM_WIDTH, EPSILON)
        self.relu = nn.ReLU6(inplace=True)
        blocks, width = [], STEM_WIDTH
        for count, kernel, stride, expansion, channels in LITE_STAGES:
            for number in range(count):
                first = stride if number == 0 else 1
                blocks.append(InvertedResidual(width, channels, kernel=kernel, stride=first, expansion=expansion))
                width = channels
        self._blocks = nn.ModuleList(blocks)

    def forward(self, photos: Tensor) -> Tensor:
        maps: Tensor = self.relu(self._bn0(self._conv_stem(photos)))
        for block in self._blocks:
            maps = block(maps)
        return maps
