import Experiment
import Testing

@testable import Fault

/// The fault that this text of an experiment file describes.
func injection(
    _ fault: String, of catalog: FaultCatalog = .standard, options: FaultOptions = FaultOptions()
) throws -> any FaultInjection {
    let text = """
        apiVersion: aftershock/v1
        kind: Experiment
        metadata: {name: x}
        spec:
          target: {workload: deployment/a, service: a, login: {passwordFrom: {env: A}}}
          fault: {\(fault)}
        """
    let experiment = try #require(ExperimentFile.parse(text, file: "x", faults: catalog.formats).first)
    return catalog.injection(experiment.fault, options: options)
}
