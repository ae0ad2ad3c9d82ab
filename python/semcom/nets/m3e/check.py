from torch import nn
class Check(nn.Module):
    pass
