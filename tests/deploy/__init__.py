"""The deployment, on machines with a real systemd: Debian in containers on a bridge of their own."""
