/// Growth as a picture: SVG, which every browser and forge shows.
struct GrowthPlot {
    let alongSessions: [Growth.Point]
    let alongMailbox: [Growth.Point]

    private static let width = 460.0
    private static let height = 230.0

    var svg: String {
        let panels = [
            panel(alongSessions, 0, 0, "messages/s, beside so many sessions", \.rate),
            panel(alongMailbox, 1, 0, "messages/s, beside so much waiting mail", \.rate),
            panel(alongSessions, 0, 1, "latency in ms, beside so many sessions", \.latency),
            panel(alongMailbox, 1, 1, "latency in ms, beside so much waiting mail", \.latency),
        ]
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width * 2)) \(Int(Self.height * 2))" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            \(panels.joined(separator: "\n"))
            </svg>

            """
    }

    /// One curve over sizes at even distances, from zero upwards, with the ±20 % of the first point behind it.
    private func panel(
        _ points: [Growth.Point],
        _ column: Double,
        _ row: Double,
        _ title: String,
        _ value: (Growth.Point) -> Double
    ) -> String {
        let left = column * Self.width + 60
        let top = row * Self.height + 35
        let (width, height) = (Self.width - 90, Self.height - 75)
        let most = (points.map(value).max() ?? 1) * 1.35
        func x(_ index: Int) -> Double { left + width * Double(index) / Double(max(1, points.count - 1)) }
        func y(_ value: Double) -> Double { top + height * (1 - value / most) }
        func at(_ number: Double) -> String { Figure.text(number) }
        var lines = [#"<text x="\#(at(left))" y="\#(at(top - 14))" font-weight="bold">\#(title)</text>"#]
        if let first = points.first.map(value) {
            lines.append(
                #"<rect x="\#(at(left))" y="\#(at(y(first * 1.2)))" width="\#(at(width))" height="\#(at(y(first * 0.8) - y(first * 1.2)))" fill="honeydew"/>"#
            )
        }
        let corner = "\(at(left)) \(at(top + height))"
        lines.append(
            #"<path d="M \#(at(left)) \#(at(top)) L \#(corner) L \#(at(left + width)) \#(at(top + height))" fill="none" stroke="gray"/>"#
        )
        let path = points.enumerated().map { "\(at(x($0))) \(at(y(value($1))))" }.joined(separator: " L ")
        lines.append(#"<path d="M \#(path)" fill="none" stroke="steelblue" stroke-width="2"/>"#)
        for (index, point) in points.enumerated() {
            lines.append(#"<circle cx="\#(at(x(index)))" cy="\#(at(y(value(point))))" r="3" fill="steelblue"/>"#)
            lines.append(
                #"<text x="\#(at(x(index)))" y="\#(at(y(value(point)) - 8))" text-anchor="middle" font-size="10">\#(Figure.text(value(point)))</text>"#
            )
            lines.append(
                #"<text x="\#(at(x(index)))" y="\#(at(top + height + 16))" text-anchor="middle">\#(Figure.text(Double(point.size)))</text>"#
            )
        }
        return lines.joined(separator: "\n")
    }
}
