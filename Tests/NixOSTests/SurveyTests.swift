import NixOS
import Testing
