import SafeSwitch
import Testing
