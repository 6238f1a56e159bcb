public import ArgumentParser
public import Sandbox

extension SandboxFlaw: ExpressibleByArgument {}
