public import ArgumentParser
public import Fleet

extension FleetRendering.Engine: ExpressibleByArgument {}
