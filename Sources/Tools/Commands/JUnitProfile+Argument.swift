public import ArgumentParser
public import Report

extension JUnitOptions.Profile: ExpressibleByArgument {}
