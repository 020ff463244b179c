"""A vision transformer on MNIST: patches, a class token, encoder blocks with layer norm first."""

import torch
import torch.nn.functional as F
from journal import Journal
from torch import nn, optim
from torchvision import datasets, transforms


class PatchExtractor(nn.Module):
    def __init__(self, patch_size=7):
        super().__init__()
        self.patch_size = patch_size

    def forward(self, input_data):
        batch_size, channels, height, width = input_data.size()
        assert height % self.patch_size == 0 and width % self.patch_size == 0
        patches = (
            input_data.unfold(2, self.patch_size, self.patch_size)
            .unfold(3, self.patch_size, self.patch_size)
            .permute(0, 2, 3, 1, 4, 5)
            .contiguous()
            .view(batch_size, -1, channels * self.patch_size * self.patch_size)
        )
        return patches


class InputEmbedding(nn.Module):
    def __init__(self, args, n_patches):
        super().__init__()
        self.patches = PatchExtractor(args.patch_size)
        self.linear = nn.Linear(args.patch_size**2, args.latent)
        self.class_token = nn.Parameter(torch.randn(1, 1, args.latent))
        self.pos_embedding = nn.Parameter(torch.randn(1, n_patches + 1, args.latent))

    def forward(self, input_data):
        linear_projection = self.linear(self.patches(input_data))
        b = linear_projection.shape[0]
        class_token = self.class_token.expand(b, -1, -1)
        return torch.cat((class_token, linear_projection), dim=1) + self.pos_embedding


class EncoderBlock(nn.Module):
    def __init__(self, latent, num_heads, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(latent)
        self.attention = nn.MultiheadAttention(latent, num_heads, dropout=dropout, batch_first=True)
        self.enc_MLP = nn.Sequential(
            nn.LayerNorm(latent),
            nn.Linear(latent, latent * 4),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(latent * 4, latent),
            nn.Dropout(dropout),
        )

    def forward(self, emb_patches):
        first_norm = self.norm(emb_patches)
        attention_out = self.attention(first_norm, first_norm, first_norm)[0]
        first_added = attention_out + emb_patches
        return self.enc_MLP(first_added) + first_added


class ViT(nn.Module):
    def __init__(self, args):
        super().__init__()
        self.embedding = InputEmbedding(args, (28 // args.patch_size) ** 2)
        self.encoder_blocks = nn.ModuleList(
            [EncoderBlock(args.latent, args.heads, args.dropout) for _ in range(args.layers)]
        )
        self.MLP = nn.Sequential(
            nn.LayerNorm(args.latent),
            nn.Linear(args.latent, args.latent),
            nn.Linear(args.latent, 10),
        )

    def forward(self, x):
        x = self.embedding(x)
        for layer in self.encoder_blocks:
            x = layer(x)
        return self.MLP(x[:, 0])


def main():
    journal = Journal(
        __doc__, steps=40, root="data", latent=16, heads=4, layers=2, patch_size=7, dropout=0.0
    )
    args = journal.options
    torch.manual_seed(0)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
    data = datasets.MNIST(args.root, train=True, transform=transform)
    loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=False, drop_last=True)
    model = ViT(args)
    journal.begin(model)
    optimizer = optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    criterion = nn.CrossEntropyLoss()
    while not journal.full():
        model.train()
        for images, labels in loader:
            if journal.full():
                break
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            journal.note(loss.item())
        model.eval()
        with torch.no_grad():
            guesses = F.softmax(model(images), dim=-1).argmax(-1)
            print("right:", (guesses == labels).float().mean().item())
    journal.end()


if __name__ == "__main__":
    main()
